/**
 * What will happen, by virtual time: a binary heap ordered by (time, sequence number).
 *
 * Equal times come out in the order in which they were put in, so the order never depends on the heap's shape.
 */

export interface EventQueue<T> {
  readonly times: number[];
  readonly sequences: number[];
  readonly items: T[];
  nextSequence: number;
}

export function createEventQueue<T>(): EventQueue<T> {
  return { times: [], sequences: [], items: [], nextSequence: 0 };
}

export function pushEvent<T>(queue: EventQueue<T>, at: number, item: T): void {
  const { times, sequences, items } = queue;
  const sequence = queue.nextSequence;
  queue.nextSequence = sequence + 1;
  let place = times.length;
  times.push(at);
  sequences.push(sequence);
  items.push(item);
  while (place > 0) {
    const parent = (place - 1) >>> 1;
    // A later sequence number never rises above an equal time.
    if ((times[parent] as number) <= at) break;
    move(queue, parent, place);
    place = parent;
  }
  times[place] = at;
  sequences[place] = sequence;
  items[place] = item;
}

export function nextTime<T>(queue: EventQueue<T>): number | undefined {
  return queue.times[0];
}

/** Takes the earliest item; undefined when there is none. */
export function popEvent<T>(queue: EventQueue<T>): T | undefined {
  const { times, sequences, items } = queue;
  const first = items[0];
  const time = times.pop();
  const sequence = sequences.pop();
  const item = items.pop();
  const count = times.length;
  if (count === 0 || time === undefined || sequence === undefined) return first;
  let place = 0;
  for (;;) {
    let child = 2 * place + 1;
    if (child >= count) break;
    if (child + 1 < count && isBefore(queue, child + 1, child)) child += 1;
    const childTime = times[child] as number;
    if (time < childTime || (time === childTime && sequence < (sequences[child] as number))) break;
    move(queue, child, place);
    place = child;
  }
  times[place] = time;
  sequences[place] = sequence;
  items[place] = item as T;
  return first;
}

function isBefore<T>(queue: EventQueue<T>, a: number, b: number): boolean {
  const timeA = queue.times[a] as number;
  const timeB = queue.times[b] as number;
  return (
    timeA < timeB || (timeA === timeB && (queue.sequences[a] as number) < (queue.sequences[b] as number))
  );
}

function move<T>(queue: EventQueue<T>, from: number, to: number): void {
  queue.times[to] = queue.times[from] as number;
  queue.sequences[to] = queue.sequences[from] as number;
  queue.items[to] = queue.items[from] as T;
}
