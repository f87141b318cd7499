/**
 * Takes the first of those that wait. Mostly there is one: `shift` is a way out of JavaScript and back, and costs as much as
 * handling a message.
 */
export function takeFirst<T>(waiting: T[]): T | undefined {
  return waiting.length === 1 ? waiting.pop() : waiting.shift();
}
