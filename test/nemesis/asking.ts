/**
 * How the clients of a nemesis ask: over HTTP, one node after the other, and with the time of each question and answer.
 * No answer, and an answer that says "retry", mean the same: whether the operation took effect is not known.
 */

export interface Answer {
  readonly type: number;
  readonly reason?: string;
  readonly [field: string]: unknown;
}

/** What was asked once. Times are whole microseconds of one clock. */
export interface Attempt {
  readonly invokedAt: number;
  readonly answeredAt: number | undefined;
  readonly answer: Answer | undefined;
}

export interface Asker {
  /** One attempt, at the next node in turn. */
  once(path: string, body: Readonly<Record<string, unknown>>): Promise<Attempt>;
  /**
   * Attempts until there is an answer: for operations that may be repeated under one name, or that change nothing. The
   * question counts as asked from the first attempt on.
   *
   * @throws Error when nobody answers for too long.
   */
  untilAnswered(path: string, body: Readonly<Record<string, unknown>>): Promise<Attempt & { answer: Answer }>;
}

const ATTEMPT_MS = 2_000;
const PAUSE_MS = 30;
/** Every blow is over long before that, and an election after it too. */
const PATIENCE_MS = 60_000;

/** @param first which of the nodes is asked first: clients begin at different ones. */
export function createAsker(
  endpoints: readonly string[],
  first: number,
  isUnknown: (type: number) => boolean,
): Asker {
  let turn = first;

  async function once(path: string, body: Readonly<Record<string, unknown>>): Promise<Attempt> {
    turn += 1;
    const endpoint = endpoints[turn % endpoints.length] as string;
    const invokedAt = nowUs();
    const answer = await post(endpoint + path, body);
    const isKnown = answer !== undefined && !isUnknown(answer.type);
    return { invokedAt, answeredAt: isKnown ? nowUs() : undefined, answer: isKnown ? answer : undefined };
  }

  return {
    once,
    async untilAnswered(path, body) {
      const invokedAt = nowUs();
      while (nowUs() - invokedAt < PATIENCE_MS * 1_000) {
        const { answer, answeredAt } = await once(path, body);
        if (answer !== undefined) return { invokedAt, answeredAt, answer };
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
      throw new Error(`${path} was not answered within ${PATIENCE_MS / 1_000} s: ${JSON.stringify(body)}`);
    },
  };
}

/** @throws Error for an answer that no right request gets. */
async function post(url: string, body: Readonly<Record<string, unknown>>): Promise<Answer | undefined> {
  let status: number;
  let text: string;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ATTEMPT_MS),
    });
    status = response.status;
    text = await response.text();
  } catch {
    return undefined;
  }
  if (status >= 500) return undefined;
  if (status !== 200) throw new Error(`${url} answered ${status}: ${text}`);
  return JSON.parse(text) as Answer;
}

export function nowUs(): number {
  return Math.floor(performance.now() * 1_000);
}

/** What a right request must never be told. */
export function unexpected(what: string, answer: Answer): Error {
  return new Error(`${what} was answered with type ${answer.type} (${answer.reason ?? 'no reason'})`);
}
