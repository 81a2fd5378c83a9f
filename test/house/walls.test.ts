import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A room's files and the compiler's options for them, as its tsconfig.json says. */
function openRoom(room: string): ts.ParsedCommandLine {
  const config = join(ROOT, room, 'tsconfig.json');
  const host: ts.ParseConfigFileHost = {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
      throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
    },
  };
  const parsed = ts.getParsedCommandLineOfConfigFile(config, { noEmit: true }, host);
  if (parsed === undefined) throw new Error(`${config} cannot be read`);
  return parsed;
}

/**
 * What the compiler says of each snippet when it stands in a file of its own in this room. The snippets are compiled
 * together, so none may draw in what another should lack: one that reaches through a wall is compiled alone.
 */
function compile(room: string, snippets: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const { fileNames, options, projectReferences } = openRoom(room);
  const probes = new Map(snippets.map((snippet, i) => [join(ROOT, room, `probe-${i}.ts`), snippet]));
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (file) => probes.has(file) || fileExists(file);
  host.readFile = (file) => probes.get(file) ?? readFile(file);
  host.getSourceFile = (file, version, ...rest) => {
    const text = probes.get(file);
    if (text !== undefined) return ts.createSourceFile(file, text, version);
    // Declarations of libraries and files that were read before are the same every time.
    const place = `${file} ${JSON.stringify(version)}`;
    const known = sourceFiles.get(place);
    if (known !== undefined) return known;
    const read = getSourceFile(file, version, ...rest);
    if (read !== undefined) sourceFiles.set(place, read);
    return read;
  };
  // As in an editor: another room is read from its source, so nothing has to be built first.
  Object.assign(host, { useSourceOfProjectReferenceRedirect: () => true });
  const program = ts.createProgram({
    rootNames: [...fileNames, ...probes.keys()],
    options,
    host,
    ...(projectReferences === undefined ? {} : { projectReferences }),
  });
  const general = [...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics()];
  return new Map(
    [...probes].map(([file, snippet]) => {
      const source = program.getSourceFile(file);
      const own = [...program.getSemanticDiagnostics(source), ...program.getSyntacticDiagnostics(source)];
      const all = [...own, ...general.filter((diagnostic) => diagnostic.file?.fileName === file)];
      return [snippet, all.map(describeDiagnostic)];
    }),
  );
}

const sourceFiles = new Map<string, ts.SourceFile>();

function describeDiagnostic({ code, messageText, file }: ts.Diagnostic): string {
  const where = file === undefined ? '' : `${basename(file.fileName)}: `;
  return `${where}TS${code} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
}

const NODE_AND_DOM = [
  "import 'node:fs';",
  "import { readFileSync } from 'node:fs'; export const read = readFileSync;",
  "import { readFileSync } from 'fs'; export const read = readFileSync;",
  "export const load = () => import('node:fs');",
  "import type { Socket } from 'node:net'; export type It = Socket;",
  'export const bytes = Buffer.alloc(1);',
  'export const environment = process.env;',
  'setTimeout(() => 1, 0);',
  'export const element = document.body;',
  'export const here = window.location;',
  "export const got = fetch('/');",
  "console.log('a');",
  'export const now = performance.now();',
];

const BEHIND_THE_WALL: Readonly<Record<string, readonly string[]>> = {
  core: [
    "import { run } from '../sim/index.js'; export const it = run;",
    "import { run } from '../sim/system/run.js'; export const it = run;",
    "import { startServer } from '../runtime-node/server.js'; export const it = startServer;",
    "import type { Scenario } from '../sim/faults/scenario.js'; export type It = Scenario;",
  ],
  sim: ["import * as runtime from '../runtime-node/server.js'; export const it = runtime;"],
};

const PURE: Readonly<Record<string, string>> = {
  core: "import { nodeId } from './machine/units.js'; export const one = nodeId(1);",
  sim: "import { nodeId } from '../core/index.js'; export const one = nodeId(1);",
};

describe.each(['core', 'sim'])('in %s the compiler', (room) => {
  const pure = PURE[room] ?? '';
  let said: ReadonlyMap<string, readonly string[]>;

  beforeAll(() => {
    said = compile(room, [...NODE_AND_DOM, pure]);
  });

  it.each(NODE_AND_DOM)('refuses %s', (snippet) => {
    expect(said.get(snippet)).not.toEqual([]);
  });

  it.each(BEHIND_THE_WALL[room] ?? [])('refuses %s', (snippet) => {
    const alone = compile(room, [snippet]);

    expect(alone.get(snippet)?.join()).toMatch(/TS6307|TS6059/);
  });

  it(`takes ${pure}`, () => {
    expect(said.get(pure)).toEqual([]);
  });
});
