import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import { ensure, readNumber, setDefault } from "../../objects/element-edit.ts";

/** Fills in graphics, video and sound; adds the display adapter that graphics need. Throws VirError. */
export function completeDisplays(devices: Element): void {
  for (const graphics of devices.all("graphics")) completeGraphics(graphics);
  if (devices.first("graphics") !== undefined && devices.first("video") === undefined) {
    devices.children.push(new Element("video", {}, [new Element("model", { type: standardVideo })]));
  }
  for (const [index, video] of devices.all("video").entries()) completeVideo(video, index === 0);
  addAudio(devices);
}

const standardVideo = "cirrus";

export function completeGraphics(graphics: Element): void {
  const type = graphics.attribute("type");
  if (type !== "vnc" && type !== "spice") return;
  const listen = completeListen(graphics);
  if (type === "vnc") completeVnc(graphics, listen);
  else completeSpice(graphics, listen);
}

/** Where it listens stands both at the element and in it. */
function completeListen(graphics: Element): Element {
  const socket = graphics.attribute("socket");
  const old = graphics.attribute("listen");
  const known = graphics.first("listen");
  if (known !== undefined && old !== undefined && known.attribute("type") === "address") {
    checkSame(known.attribute("address"), old);
  }
  const listen = known ?? new Element("listen", { type: socket === undefined ? "address" : "socket" });
  if (known === undefined) graphics.children.unshift(listen);
  setDefault(listen, "type", "address");
  if (socket !== undefined && listen.attribute("type") === "socket") setDefault(listen, "socket", socket);
  if (old !== undefined && listen.attribute("type") === "address") setDefault(listen, "address", old);
  const path = listen.attribute("socket");
  const address = listen.attribute("address");
  graphics.removeAttribute("listen");
  graphics.removeAttribute("socket");
  if (listen.attribute("type") === "socket" && path !== undefined) graphics.setAttribute("socket", path);
  if (listen.attribute("type") === "address" && address !== undefined) graphics.setAttribute("listen", address);
  return listen;
}

function checkSame(address: string | undefined, attribute: string): void {
  if (address === undefined || address === attribute) return;
  const detail =
    `graphics 'listen' attribute '${attribute}' must match 'address' attribute of first listen element ` +
    `(found '${address}')`;
  throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.domain, detail);
}

function completeVnc(graphics: Element, listen: Element): void {
  if (!isPort(listen)) {
    for (const name of ["port", "autoport", "websocket"]) graphics.removeAttribute(name);
    return;
  }
  const given = graphics.attribute("port");
  if (given !== undefined && !/^-?\d+$/.test(given)) {
    throw VirError.of(ErrorCode.internalError, ErrorDomain.domain, `cannot parse vnc port ${given}`);
  }
  const port = Number(given ?? -1);
  const isAutomatic = graphics.attribute("autoport") === "yes" || port <= 0;
  graphics.setAttribute("port", isAutomatic ? "-1" : String(port));
  graphics.setAttribute("autoport", isAutomatic ? "yes" : "no");
}

function completeSpice(graphics: Element, listen: Element): void {
  const ports = ["port", "tlsPort"].map((name) => readNumber(graphics.attribute(name)?.replace(/^-1$/, "")) ?? 0);
  const areUnset = ["port", "tlsPort"].every((name) => graphics.attribute(name) === "-1");
  const isAutomatic = graphics.attribute("autoport") === "yes" || areUnset;
  const isNowhere = !isAutomatic && ports.every((port) => port === 0) && listen.attribute("type") === "address";
  if (isNowhere) listen.setAttribute("type", "none");
  for (const name of ["port", "tlsPort"]) {
    const value = graphics.attribute(name);
    if (!isPort(listen) || isAutomatic || value === "0") graphics.removeAttribute(name);
  }
  graphics.removeAttribute("autoport");
  if (isPort(listen)) graphics.setAttribute("autoport", isAutomatic ? "yes" : "no");
}

function isPort(listen: Element): boolean {
  return ["address", "network"].includes(listen.attribute("type") ?? "");
}

/** In KiB, for those that have some of their own. */
const videoMemory: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  vga: { vram: "16384" },
  cirrus: { vram: "16384" },
  vmvga: { vram: "16384" },
  bochs: { vram: "16384" },
  qxl: { ram: "65536", vram: "65536", vgamem: "16384" },
};

export function completeVideo(video: Element, isPrimary: boolean): void {
  const model = ensure(video, "model");
  setDefault(model, "type", standardVideo);
  const type = model.attribute("type") ?? "";
  if (type === "none") return;
  for (const name of ["ram", "vram", "vram64", "vgamem"]) {
    const size = readNumber(model.attribute(name));
    if (size === undefined) continue;
    if (size === 0 || (name === "vram" && videoMemory[type] === undefined)) model.removeAttribute(name);
    else if (name !== "vgamem") model.setAttribute(name, String(2 ** Math.ceil(Math.log2(size))));
  }
  for (const [name, size] of Object.entries(videoMemory[type] ?? {})) setDefault(model, name, size);
  setDefault(model, "heads", "1");
  model.removeAttribute("primary");
  if (isPrimary) model.setAttribute("primary", "yes");
}

/** The sound of a guest that nobody listens to otherwise. */
function addAudio(devices: Element): void {
  if (devices.first("audio") !== undefined) return;
  const [graphics] = devices.all("graphics");
  const type = graphics?.attribute("type");
  const backend = type === "spice" || type === "sdl" ? type : "none";
  devices.children.push(new Element("audio", { id: "1", type: backend }));
}

/** The primary display adapter comes first. */
export function sortVideos(devices: Element): Element[] {
  const all = devices.all("video");
  const isPrimary = (each: Element): boolean => each.first("model")?.attribute("primary") === "yes";
  const primaries = all.filter(isPrimary);
  if (primaries.length > 1) {
    const detail = "Only one primary video device is supported";
    throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.domain, detail);
  }
  return [...primaries, ...all.filter((each) => !isPrimary(each))];
}
