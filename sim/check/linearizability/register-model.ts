/**
 * The classic registers of Jepsen's tests: read and write, and the same with compare-and-set. Never written reads as null.
 */
import type { Operation } from './history.js';
import type { Hint, Model } from './model.js';
import { quote } from './picture.js';

export interface RegisterState {
  readonly value: string | null;
}

export type RegisterInput =
  { readonly type: 'read' } | { readonly type: 'write'; readonly value: string | null };
export type RegisterOutput =
  { readonly type: 'read'; readonly value: string | null } | { readonly type: 'written' };

export type CasRegisterInput =
  | RegisterInput
  | { readonly type: 'compareAndSet'; readonly from: string | null; readonly to: string | null };
/** `failed`: the value was not `from`, and nothing changed. */
export type CasRegisterOutput = RegisterOutput | { readonly type: 'swapped' } | { readonly type: 'failed' };

export const casRegisterModel: Model<RegisterState, CasRegisterInput, CasRegisterOutput> = {
  initial: { value: null },
  step,
  stateKey: ({ value }) => (value === null ? '' : `"${value}`),
  describe: (input, output) => `${describeInput(input)} -> ${describeOutput(output)}`,
  describeState: ({ value }) => quote(value),
  explain: (state, input) => `here it must answer: ${describeOutput(answer(state, input))}`,
  readOnly: (input, output) => input.type === 'read' || output?.type === 'failed',
  hints,
};

export const registerModel: Model<RegisterState, RegisterInput, RegisterOutput> = {
  initial: casRegisterModel.initial,
  step,
  stateKey: (state) => casRegisterModel.stateKey(state),
  describe: (input, output) => casRegisterModel.describe(input, output),
  describeState: (state) => casRegisterModel.describeState(state),
  explain: (state, input) => `here it must answer: ${describeOutput(answer(state, input))}`,
  readOnly: (input) => input.type === 'read',
  hints,
};

function step(
  state: RegisterState,
  input: CasRegisterInput,
  output: CasRegisterOutput | undefined,
): RegisterState | undefined {
  if (output !== undefined) {
    const legal = answer(state, input);
    if (legal.type !== output.type) return undefined;
    if (output.type === 'read' && output.value !== state.value) return undefined;
  }
  switch (input.type) {
    case 'read':
      return state;
    case 'write':
      return { value: input.value };
    case 'compareAndSet':
      return state.value === input.from ? { value: input.to } : state;
  }
}

function answer(state: RegisterState, input: CasRegisterInput): CasRegisterOutput {
  switch (input.type) {
    case 'read':
      return { type: 'read', value: state.value };
    case 'write':
      return { type: 'written' };
    case 'compareAndSet':
      return { type: state.value === input.from ? 'swapped' : 'failed' };
  }
}

/** Unanswered writes of values that nobody read or compared with are alike: each can only hide what was there. */
function hints(
  operations: readonly Operation<CasRegisterInput, CasRegisterOutput>[],
): (operation: Operation<CasRegisterInput, CasRegisterOutput>) => Hint<never> {
  const seen = new Set<string | null>();
  for (const { input, output } of operations) {
    if (output?.type === 'read') seen.add(output.value);
    if (input.type === 'compareAndSet') seen.add(input.from);
  }
  const nameOf = (value: string | null): readonly (string | null)[] => (seen.has(value) ? [value] : []);
  return ({ input }) => {
    switch (input.type) {
      case 'read':
        return { impliedOutput: undefined, likeness: undefined };
      case 'write':
        return { impliedOutput: undefined, likeness: JSON.stringify(['write', nameOf(input.value)]) };
      case 'compareAndSet':
        return { impliedOutput: undefined, likeness: JSON.stringify(['cas', input.from, nameOf(input.to)]) };
    }
  };
}

function describeInput(input: CasRegisterInput): string {
  switch (input.type) {
    case 'read':
      return 'read';
    case 'write':
      return `write ${quote(input.value)}`;
    case 'compareAndSet':
      return `compare ${quote(input.from)} and set ${quote(input.to)}`;
  }
}

function describeOutput(output: CasRegisterOutput | undefined): string {
  if (output === undefined) return 'no answer';
  return output.type === 'read' ? `read ${quote(output.value)}` : output.type;
}
