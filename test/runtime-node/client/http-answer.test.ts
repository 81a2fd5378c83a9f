/** Answers of HTTP/1.1, in whatever pieces they come. */

import fc from 'fast-check';
import { expect, it } from 'vitest';

import { createAnswerReader, type Reading } from '../../../runtime-node/client/http-answer.js';

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';

function readWhole(text: string): Reading {
  return createAnswerReader().push(Buffer.from(text));
}

function bodyOf(reading: Reading): string | undefined {
  return reading.type === 'Whole' ? reading.answer.body : undefined;
}

it('reads a body with a length, and how long the connection is kept', () => {
  const reading = readWhole(`${HEAD}Keep-Alive: timeout=72\r\nContent-Length: 7\r\n\r\n{"a":1}`);

  expect(reading).toEqual({ type: 'Whole', answer: { status: 200, body: '{"a":1}', keepsMs: 71_000 } });
});

it('reads a body in chunks, with their extensions and trailers', () => {
  const reading = readWhole(
    `${HEAD}Transfer-Encoding: chunked\r\n\r\n3;x=y\r\n{"a\r\n4\r\n":1}\r\n0\r\nExpires: never\r\n\r\n`,
  );

  expect(bodyOf(reading)).toBe('{"a":1}');
});

it('gives the same answer in whatever pieces it comes', () => {
  const texts = [
    `${HEAD}Content-Length: 9\r\n\r\n{"a":"ä"}`.replace('9', '10'),
    `${HEAD}Transfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n6\r\n:"ä"}\r\n0\r\n\r\n`,
    `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${HEAD}Content-Length: 2\r\n\r\n{}`,
  ];
  fc.assert(
    fc.property(fc.constantFrom(...texts), fc.array(fc.integer({ min: 1, max: 40 })), (text, sizes) => {
      const bytes = Buffer.from(text);
      const reader = createAnswerReader();
      let at = 0;
      let reading: Reading = { type: 'Incomplete' };
      for (const size of [...sizes, bytes.length]) {
        if (at >= bytes.length) break;
        expect(reading.type).toBe('Incomplete');
        reading = reader.push(bytes.subarray(at, at + size));
        at += size;
      }
      expect(reading).toEqual(readWhole(text));
      expect(reading.type).toBe('Whole');
    }),
  );
});

it('reads one answer after the other', () => {
  const reader = createAnswerReader();

  const first = reader.push(Buffer.from(`${HEAD}Content-Length: 1\r\n\r\n1`));
  const second = reader.push(Buffer.from(`${HEAD}Content-Length: 1\r\n\r\n2`));

  expect([bodyOf(first), bodyOf(second)]).toEqual(['1', '2']);
});

it('takes the end of the connection for that of a body without a length, and for no other', () => {
  const open = createAnswerReader();
  const cut = createAnswerReader();
  open.push(Buffer.from(`${HEAD}\r\nall of`));
  open.push(Buffer.from(' it'));
  cut.push(Buffer.from(`${HEAD}Content-Length: 9\r\n\r\nnot all`));

  expect(open.end()).toEqual({ type: 'Whole', answer: { status: 200, body: 'all of it', keepsMs: 0 } });
  expect(cut.end()).toEqual({ type: 'Malformed', reason: 'its answer is cut off' });
  expect(createAnswerReader().end()).toEqual({ type: 'Malformed', reason: 'it closed the connection' });
});

it.each([
  ['HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', 0],
  ['HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', 0],
  ['HTTP/1.1 204 No Content\r\n\r\n', 4_000],
  ['HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n', 0],
])('knows for how long a connection may be used again: %j', (text, keepsMs) => {
  expect(readWhole(text)).toMatchObject({ type: 'Whole', answer: { body: '', keepsMs } });
});

it.each([
  ['\x16\x03\x01\r\n\r\n', 'it does not speak HTTP/1.1'],
  [`${HEAD}Content-Length: 1\r\n\r\n12`, 'it says more than was asked'],
  [`${HEAD}Transfer-Encoding: chunked\r\n\r\nnone\r\n`, 'the length of a chunk is no number'],
  ['x'.repeat((64 << 10) + 1), 'its head has no end'],
])('says what is wrong with what is no answer', (text, reason) => {
  expect(readWhole(text)).toEqual({ type: 'Malformed', reason });
});
