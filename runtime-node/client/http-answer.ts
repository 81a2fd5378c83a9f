/**
 * Reads one HTTP/1.1 answer off a connection (RFC 9112): its status and its whole body, by length, in chunks, or up to the
 * end of the connection. What cannot be one is said in words.
 */

export type Reading =
  /** More bytes are needed. */
  | { readonly type: 'Incomplete' }
  | { readonly type: 'Whole'; readonly answer: HttpAnswer }
  | { readonly type: 'Malformed'; readonly reason: string };

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  /** For how long the connection may be used again, in milliseconds from now; 0 for not at all. */
  readonly keepsMs: number;
}

export interface AnswerReader {
  push(bytes: Buffer): Reading;
  /** The other side has said all that it will say. */
  end(): Reading;
}

interface Head {
  readonly status: number;
  readonly keepsMs: number;
  /** How the end of the body is known. */
  readonly framing:
    { readonly type: 'Length'; readonly bytes: number } | { readonly type: 'Chunked' | 'UntilEnd' };
}

const INCOMPLETE: Reading = { type: 'Incomplete' };
const END_OF_HEAD = Buffer.from('\r\n\r\n');
const END_OF_LINE = Buffer.from('\r\n');
const MAX_HEAD_BYTES = 64 << 10;
/** A server that says nothing of it may close an idle connection at any time; most wait for longer than this. */
const USUAL_KEEP_MS = 4_000;
/** So much sooner than the server a connection is given up, so that a request does not meet its end. */
const MARGIN_MS = 1_000;

export function createAnswerReader(): AnswerReader {
  let head: Head | undefined;
  /** What is not read yet: of the head, or of the body unless it has a length. */
  let rest: Buffer = Buffer.alloc(0);
  let parts: Buffer[] = [];
  let held = 0;

  function push(bytes: Buffer): Reading {
    if (head !== undefined) return readBody(head, bytes);
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    for (;;) {
      const end = rest.indexOf(END_OF_HEAD);
      if (end < 0) return rest.length > MAX_HEAD_BYTES ? malformed('its head has no end') : INCOMPLETE;
      const text = rest.toString('latin1', 0, end);
      const body = rest.subarray(end + END_OF_HEAD.length);
      const read = readHead(text);
      if (read === undefined) return malformed('it does not speak HTTP/1.1');
      rest = Buffer.alloc(0);
      if (read.status >= 200) {
        head = read;
        return readBody(read, body);
      }
      // One that comes before the answer itself.
      rest = body;
    }
  }

  function readBody(known: Head, bytes: Buffer): Reading {
    switch (known.framing.type) {
      case 'Length': {
        held += bytes.length;
        parts.push(bytes);
        if (held < known.framing.bytes) return INCOMPLETE;
        // What comes behind it nobody has asked for.
        return held > known.framing.bytes ? malformed('it says more than was asked') : whole(known);
      }
      case 'UntilEnd':
        parts.push(bytes);
        return INCOMPLETE;
      case 'Chunked':
        rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
        return readChunks(known);
    }
  }

  function readChunks(known: Head): Reading {
    for (;;) {
      const line = rest.indexOf(END_OF_LINE);
      if (line < 0) return rest.length > MAX_HEAD_BYTES ? malformed('a chunk has no length') : INCOMPLETE;
      const digits = /^[0-9a-f]{1,8}(?=[;\s]|$)/i.exec(rest.toString('latin1', 0, line));
      if (digits === null) return malformed('the length of a chunk is no number');
      const length = Number.parseInt(digits[0], 16);
      const from = line + END_OF_LINE.length;
      if (length === 0) {
        // Behind the last chunk are trailers, each on a line, and an empty line.
        const isOver = rest.subarray(from, from + 2).equals(END_OF_LINE) || rest.includes(END_OF_HEAD, line);
        return isOver ? whole(known) : INCOMPLETE;
      }
      const next = from + length + END_OF_LINE.length;
      if (rest.length < next) return INCOMPLETE;
      parts.push(rest.subarray(from, from + length));
      rest = rest.subarray(next);
    }
  }

  function whole({ status, keepsMs }: Head): Reading {
    const [only] = parts;
    const body = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
    const answer = { status, body: body.toString('utf8'), keepsMs };
    head = undefined;
    parts = [];
    held = 0;
    rest = Buffer.alloc(0);
    return { type: 'Whole', answer };
  }

  return {
    push,
    end() {
      if (head?.framing.type === 'UntilEnd') return whole(head);
      return malformed(
        head === undefined && rest.length === 0 ? 'it closed the connection' : 'its answer is cut off',
      );
    },
  };
}

function malformed(reason: string): Reading {
  return { type: 'Malformed', reason };
}

/** Undefined for what is no head of an answer. */
function readHead(text: string): Head | undefined {
  const line = /^HTTP\/1\.([01]) (\d{3})(?: |\r|$)/.exec(text);
  if (line === null) return undefined;
  const status = Number(line[2]);
  const isChunked = /\r\ntransfer-encoding:.*\bchunked[ \t]*(?:\r|$)/i.test(text);
  const length = /\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*(?:\r|$)/i.exec(text);
  const isEmpty = status === 204 || status === 304;
  const isClosing = line[1] === '0' || /\r\nconnection:.*\bclose\b/i.test(text);
  const framing: Head['framing'] = isChunked
    ? { type: 'Chunked' }
    : isEmpty || length !== null
      ? { type: 'Length', bytes: isEmpty ? 0 : Number(length?.[1]) }
      : { type: 'UntilEnd' };
  return { status, keepsMs: isClosing || framing.type === 'UntilEnd' ? 0 : keepOf(text), framing };
}

function keepOf(text: string): number {
  const said = /\r\nkeep-alive:.*\btimeout=(\d{1,7})/i.exec(text);
  return said === null ? USUAL_KEEP_MS : Math.max(0, Number(said[1]) * 1_000 - MARGIN_MS);
}
