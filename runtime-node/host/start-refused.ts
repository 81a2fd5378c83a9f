/**
 * Thrown when a node does not start because of something outside of it that a person can put right: a port in use,
 * a data folder of another cluster. Its message says what was seen, what was expected, and the way out; whoever
 * shows it needs no stack trace.
 */
export class StartRefused extends Error {
  override readonly name = 'StartRefused';
}
