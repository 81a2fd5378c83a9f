/** The timeouts and limits of a node: `--set`, and `wavetank settings`, which shows them. */

import { Command, Help, InvalidArgumentError, Option } from 'commander';

import {
  NODE_TUNING,
  problemWithTunable,
  TUNABLE_NAMES,
  type NodeTuning,
  type Tunable,
  type TunableName,
} from '../../core/node/tuning.js';
import { suggest } from '../../sim/faults/shape.js';

export type Settings = Partial<NodeTuning>;

/** `--set NAME=NUMBER`, as often as needed; several with commas between. */
export function setOption(): Option {
  return new Option(
    '--set <name=number>',
    'a timeout or limit, as often as needed (`wavetank settings` shows them all)',
  )
    .argParser(parseSettings)
    .default({}, 'none');
}

/** @throws InvalidArgumentError with what was wrong and what is known. */
export function parseSettings(text: string, known: Settings): Settings {
  const settings: Record<string, number> = { ...known };
  for (const part of text.split(',')) {
    const [name = '', value = ''] = part.split('=').map((side) => side.trim());
    if (!isTunable(name)) {
      throw new InvalidArgumentError(`there is no setting "${name}". ${suggest(name, TUNABLE_NAMES)}`);
    }
    const problem = problemWithTunable(name, value === '' ? Number.NaN : Number(value));
    if (problem !== undefined) {
      throw new InvalidArgumentError(`${problem}. For example --set ${name}=${NODE_TUNING[name].default}.`);
    }
    settings[name] = Number(value);
  }
  return settings;
}

function isTunable(name: string): name is TunableName {
  return Object.hasOwn(NODE_TUNING, name);
}

/** The arguments that set the same for a child process. */
export function settingArguments(settings: Settings): readonly string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
}

export function settingsCommand(): Command {
  return new Command('settings')
    .description('show every timeout and limit of a node, with its default')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  wavetank settings
  wavetank serve … --set heartbeatIntervalMs=200 --set electionTimeoutMs=1200
  wavetank up --set quiesceAfterMs=0`,
    )
    .action(({ json }: { readonly json?: boolean }) => {
      const text = TUNABLE_NAMES.map((name) => `${describe(name)}\n`).join('');
      process.stdout.write(json === true ? `${JSON.stringify(NODE_TUNING)}\n` : text);
    });
}

const WIDTH = 100;

function describe(name: TunableName): string {
  const { default: usual, least, most, about }: Tunable = NODE_TUNING[name];
  const range = most === undefined ? `${least} or more` : `${least} to ${most}`;
  return `${name} = ${usual}   (${range})\n    ${new Help().boxWrap(about, WIDTH).replaceAll('\n', '\n    ')}`;
}
