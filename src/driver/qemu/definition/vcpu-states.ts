import { Element } from "../../../xml/index.ts";
import { readNumber } from "../../objects/element-edit.ts";

/** One virtual processor, by its place in the list its number. */
export interface VcpuState {
  readonly isEnabled: boolean;
  /** It may be taken away while the guest runs. */
  readonly isHotpluggable: boolean;
  /** In which turn it came; of a guest that runs. */
  readonly order?: number | undefined;
}

/** As `<vcpus>` has them; without that the first so many are there and stay. */
export function vcpuStates(root: Element): VcpuState[] {
  const vcpu = root.first("vcpu");
  const most = Number(vcpu?.text ?? 1);
  const current = Number(vcpu?.attribute("current") ?? most);
  const listed = new Map((root.first("vcpus")?.all("vcpu") ?? []).map((each) => [each.attribute("id"), each]));
  return Array.from({ length: most }, (_, id) => {
    const own = listed.get(String(id));
    if (own === undefined) return { isEnabled: id < current, isHotpluggable: id >= current };
    const [enabled, hotpluggable] = ["enabled", "hotpluggable"].map((name) => own.attribute(name) === "yes");
    return {
      isEnabled: enabled === true,
      isHotpluggable: hotpluggable === true,
      order: readNumber(own.attribute("order")),
    };
  });
}

/** Whether it has more than a number of processors. */
export function hasVcpuStates(root: Element): boolean {
  return root.first("vcpus") !== undefined;
}

export function setVcpuStates(root: Element, states: readonly VcpuState[]): void {
  const current = states.filter(({ isEnabled }) => isEnabled).length;
  if (current === states.length) root.first("vcpu")?.removeAttribute("current");
  else root.first("vcpu")?.setAttribute("current", String(current));
  const elements = states.map(({ isEnabled, isHotpluggable, order }, id) => {
    const attributes = { id: String(id), enabled: yesNo(isEnabled), hotpluggable: yesNo(isHotpluggable) };
    return new Element("vcpu", order === undefined ? attributes : { ...attributes, order: String(order) });
  });
  const known = root.first("vcpus");
  if (known === undefined) root.insertAfter(["vcpu"], new Element("vcpus", {}, elements));
  else known.children.splice(0, known.children.length, ...elements);
}

/** Says in which turn they come when the guest starts: those that stay, then the others as they are told to. */
export function orderVcpus(root: Element): void {
  if (hasVcpuStates(root)) setVcpuStates(root, inOrder(vcpuStates(root)));
}

/** With the turns in which they have come; nothing was said about them before. */
export function inOrder(states: readonly VcpuState[]): VcpuState[] {
  const turns = [...states.entries()]
    .filter(([, { isEnabled }]) => isEnabled)
    .sort(([one, left], [other, right]) => {
      const late = Number(left.isHotpluggable) - Number(right.isHotpluggable);
      return late || (left.order ?? states.length) - (right.order ?? states.length) || one - other;
    })
    .map(([id]) => id);
  return states.map((state, id) => ({ ...state, order: state.isEnabled ? turns.indexOf(id) + 1 : undefined }));
}

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}
