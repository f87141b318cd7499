/**
 * What happened, as the list of choices that were made: an index among the runnable tasks, or a number the subject
 * asked for. 0 is "go on as before", so a schedule is short when it has few surprises, and ends with its last one.
 */
export type Schedule = readonly number[];

/**
 * As a string: each choice a digit of base 36, "(40)" when it is larger; "_5_" stands for a run of five zeros, and
 * zeros at the end are left out. The empty schedule is "0".
 */
export function formatSchedule(schedule: Schedule): string {
  let text = "";
  for (let at = 0; at < schedule.length; ) {
    const zeros = zerosAt(schedule, at);
    if (at + zeros === schedule.length) break;
    if (zeros > 3) text += `_${zeros.toString(36)}_`;
    else text += "0".repeat(zeros);
    at += zeros;
    const choice = schedule[at++] as number;
    text += choice < 36 ? choice.toString(36) : `(${choice})`;
  }
  return text || "0";
}

/** Throws SyntaxError for what `formatSchedule` does not write. */
export function parseSchedule(text: string): Schedule {
  const schedule: number[] = [];
  const token = /_([0-9a-z]+)_|\((\d+)\)|([0-9a-z])/y;
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const match = token.exec(text);
    if (match === null) throw new SyntaxError(`not a schedule: "${text}" at character ${at + 1}`);
    const [, zeros, large, digit] = match;
    if (zeros !== undefined) schedule.push(...Array.from({ length: Number.parseInt(zeros, 36) }, () => 0));
    else schedule.push(large === undefined ? Number.parseInt(digit as string, 36) : Number(large));
  }
  return trim(schedule);
}

/** Without the zeros at the end. */
export function trim(schedule: Schedule): Schedule {
  let length = schedule.length;
  while (length > 0 && schedule[length - 1] === 0) length--;
  return schedule.slice(0, length);
}

function zerosAt(schedule: Schedule, at: number): number {
  let end = at;
  while (schedule[end] === 0) end++;
  return end - at;
}
