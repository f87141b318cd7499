/** What stands below what: by its parent's name, null for a root. */
export interface TreeItem {
  readonly name: string;
  readonly parent: string | null;
}

/** Trees as virsh draws them, the roots in the order given; a parent that is not there makes a root. */
export function treeText(items: readonly TreeItem[]): string {
  const names = new Set(items.map(({ name }) => name));
  const roots = items.filter(({ parent }) => parent === null || !names.has(parent));
  return roots.map((root) => branch(items, root, "", true, true)).join("");
}

/** `indent` is what stands before everything in this branch; the last branch has an empty line behind it. */
function branch(
  items: readonly TreeItem[],
  { name }: TreeItem,
  indent: string,
  isRoot: boolean,
  isLast: boolean,
): string {
  const children = items.filter(({ parent }) => parent === name);
  const inner = isRoot ? indent : `${indent}${isLast ? " " : "|"} `;
  const lines = children.map((child, index) =>
    branch(items, child, `${inner}  `, false, index === children.length - 1),
  );
  const bar = children.length > 0 ? `${inner}  |\n` : "";
  const end = children.length === 0 && isLast ? `${inner}\n` : "";
  return `${indent}${isRoot ? "" : "+- "}${name}\n${bar}${lines.join("")}${end}`;
}
