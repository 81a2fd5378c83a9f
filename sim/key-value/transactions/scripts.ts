/** Transactions that are scripts: the node that is asked runs them, and whoever gets no answer cannot ask again. */

import { ScriptCode } from '../../../core/index.js';
import { PropertyBroken } from '../../world/world.js';
import { toBytes } from '../text.js';
import type { Shorefront } from './asking.js';
import { tellEnding, type Attempt } from './attempt.js';
import { listKey, type Dice } from './programs.js';

/** Adds one element to each of two lists. */
const SCRIPTS = ['optimistic', 'pessimistic'].map((locking) =>
  toBytes(`
begin (locking=${locking})
  let a = get @one
  if a == null then
    set @one @x
  else
    set @one concat(concat(a, " "), @x)
  end
  let b = get @two
  if b == null then
    set @two @y
  else
    set @two concat(concat(b, " "), @y)
  end
  commit
end
`),
);

export interface ScriptPlan {
  readonly attempt: Attempt;
  readonly dice: Dice;
  /** How many lists there are: two or more. */
  readonly keys: number;
  readonly mine: string;
}

export function runScript(
  front: Shorefront,
  { attempt, dice, keys, mine }: ScriptPlan,
  done: () => void,
): void {
  const first = dice.below(keys, 300);
  const one = listKey(first);
  const two = listKey((first + 1 + dice.below(keys - 1, 301)) % keys);
  const [x, y] = [`${mine}.x`, `${mine}.y`];
  attempt.askedToCommit = true;
  attempt.did.push({ type: 'append', key: one, value: x }, { type: 'append', key: two, value: y });
  const values = { one, two, x, y };
  const parameters = Object.entries(values).map(([name, value]) => ({ name: `@${name}`, value }));
  const script = dice.one(SCRIPTS, 302);
  const transaction = { type: 'RunScript', script, parameters, priority: 'normal' } as const;
  let isOver = false;
  const goOn = (): void => {
    if (isOver) return;
    isOver = true;
    done();
  };
  front.ask(dice.below(1_000_000, 303), { transaction }, (answer, node) => {
    if (!('family' in answer) || answer.family !== 'script') {
      throw new PropertyBroken('answers make sense', `node ${node} answers a script as if it were none`);
    }
    const { code, reason = 'no reason' } = answer;
    if (code === ScriptCode.aborted || code === ScriptCode.admissionRefused) {
      tellEnding(attempt, 'aborted', front.nowUs());
    } else if (code < ScriptCode.errored) {
      tellEnding(attempt, 'committed', front.nowUs());
    } else if (code === ScriptCode.invalidInput) {
      throw new PropertyBroken('answers make sense', `node ${node} answers a script with ${reason}`);
    }
    goOn();
  });
  front.later(8 * front.timeoutUs, goOn);
}
