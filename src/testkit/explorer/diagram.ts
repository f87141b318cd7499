import type { Outcome } from "./execution.ts";

const columnWidth = 30;

/** The story of an execution as a sequence diagram for a terminal: a column for each actor, time downwards. */
export function diagramText(outcome: Outcome): string {
  const row = (cells: readonly string[]): string =>
    cells
      .map((cell) => fit(cell))
      .join("")
      .trimEnd();
  const lines = [row(outcome.tasks), row(outcome.tasks.map((name) => "-".repeat(name.length)))];
  for (const { task, text, note } of outcome.story) {
    lines.push(row(outcome.tasks.map((_, index) => (index === task ? (note ? `  (${text})` : text) : "|"))));
  }
  if (outcome.failure !== undefined) lines.push(`${outcome.failure.kind}: ${outcome.failure.message}`);
  return `${lines.join("\n")}\n`;
}

function fit(text: string): string {
  const short = text.length < columnWidth ? text : `${text.slice(0, columnWidth - 2)}…`;
  return short.padEnd(columnWidth);
}

const laneWidth = 220;
const rowHeight = 24;
const top = 56;

/** The same as a picture; `title` stands above it. */
export function diagramSvg(outcome: Outcome, title: string): string {
  const width = outcome.tasks.length * laneWidth + 40;
  const bottom = top + (outcome.story.length + 1) * rowHeight;
  const centre = (task: number): number => 20 + laneWidth / 2 + task * laneWidth;
  const lanes = outcome.tasks.map(
    (name, task) =>
      `<text class="actor" x="${centre(task)}" y="${top - 8}">${escape(name)}</text>` +
      `<line x1="${centre(task)}" y1="${top}" x2="${centre(task)}" y2="${bottom}"/>`,
  );
  const events = outcome.story.map(({ task, text, note }, index) => {
    const y = top + (index + 1) * rowHeight;
    const box = `<rect class="${note ? "note" : "step"}" x="${centre(task) - 100}" y="${y - 15}" width="200" height="20" rx="3"/>`;
    return `${box}<text x="${centre(task)}" y="${y}">${escape(text.slice(0, 32))}</text>`;
  });
  const failure = outcome.failure;
  const verdict = failure === undefined ? "holds" : `${failure.kind}: ${failure.message}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${bottom + 40}" font-family="sans-serif" font-size="12">
<style>text{text-anchor:middle}.title{font-size:15px;text-anchor:start}.actor{font-weight:bold}.verdict{text-anchor:start;fill:#a00}
line{stroke:#888;stroke-dasharray:3 3}.step{fill:#eef4ff;stroke:#88a}.note{fill:#fffbe6;stroke:#bb8}</style>
<rect width="100%" height="100%" fill="#fff"/><text class="title" x="20" y="22">${escape(title)}</text>
${lanes.join("\n")}
${events.join("\n")}
<text class="verdict" x="20" y="${bottom + 24}">${escape(verdict)}</text>
</svg>
`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
