/** Answers to requests that cannot be understood: a status, a short name for programs and a sentence for people. */

/** Thrown while a request is read; the API answers with its status. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest';
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}

const NAMES: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  408: 'RequestTimeout',
  413: 'BodyTooLarge',
  415: 'UnsupportedMediaType',
  500: 'InternalError',
  503: 'NotReady',
};

export function problemJson(status: number, message: string): string {
  return JSON.stringify({ error: NAMES[status] ?? 'Error', message });
}
