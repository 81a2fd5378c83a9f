/** What a user of the package imports, from the built files, as package.json says. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

test.each([
  ['wavetank/core', ['createNode', 'describeNode', 'stepRaft', 'encodeFrame', 'partitionOfKey']],
  ['wavetank/sim', ['run', 'stormScenario', 'checkLinearizable', 'replayTrace', 'createWorld']],
  ['wavetank/fast-check', ['storm', 'scenario', 'fault']],
  ['wavetank/runtime-node', ['startServer']],
])('%s can be imported by itself', (name, expected) => {
  const script = `import * as part from '${name}'; console.log(JSON.stringify(Object.keys(part)));`;

  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: ROOT });

  expect(JSON.parse(printed.toString())).toEqual(expect.arrayContaining(expected));
});

test('every part comes with its types', () => {
  const source = [
    "import type { NodeState } from 'wavetank/core';",
    "import { run, stormScenario, type Report } from 'wavetank/sim';",
    "import type { ServerOptions } from 'wavetank/runtime-node';",
    'export const report: Report = run(stormScenario(7));',
    'export type All = NodeState | ServerOptions;',
  ].join('\n');
  const script = `
    import ts from 'typescript';
    const options = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2023, strict: true, noEmit: true, skipLibCheck: true, types: ['node'] };
    const host = ts.createCompilerHost(options);
    const file = process.cwd() + '/a-user.ts';
    const { fileExists, getSourceFile } = host;
    host.fileExists = (name) => name === file || fileExists(name);
    host.getSourceFile = (name, ...rest) => name === file
      ? ts.createSourceFile(name, ${JSON.stringify(source)}, options.target) : getSourceFile(name, ...rest);
    const found = ts.getPreEmitDiagnostics(ts.createProgram([file], options, host));
    console.log(found.map((each) => ts.flattenDiagnosticMessageText(each.messageText, ' ')).join('; '));`;

  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: ROOT });

  expect(printed.toString().trim()).toBe('');
});
