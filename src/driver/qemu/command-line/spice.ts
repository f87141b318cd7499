import type { Element } from "../../../xml/index.ts";
import { hostOf, passwordCommands, passwordOf, portOf } from "./graphics.ts";
import type { GuestContext } from "./guest-context.ts";
import { optionText } from "./option-text.ts";
import { argument, type Part } from "./part.ts";
import { flag, oneOf, unsupported } from "./reading.ts";

type Options = Record<string, string | number | boolean | undefined>;

/** `<graphics type='spice'>`. Without a certificate every channel is a plain one. */
export function spice(element: Element, _context: GuestContext): Part[] {
  const password = passwordOf(element, 60);
  const text = [
    optionText(listening(element)),
    optionText({ "disable-ticketing": password === undefined ? true : undefined, ...appearance(element) }),
    ...channels(element),
    optionText({ "seamless-migration": true }),
  ];
  const parts: Part[] = [argument("-spice", text.filter((each) => each !== "").join(","))];
  if (flag(element.first("gl"), "enable") === true) throw unsupported("spice with <gl enable='yes'/> is not supported");
  return password === undefined ? parts : [...parts, ...passwordCommands("spice", element, password)];
}

function listening(element: Element): Options {
  const listen = element.first("listen");
  const type = listen?.attribute("type") ?? "address";
  if (type === "none") return { port: 0 };
  const socket = listen?.attribute("socket");
  if (type === "socket") return { unix: true, addr: socket };
  const tls = element.attribute("tlsPort");
  if (tls !== undefined && tls !== "-1") throw unsupported("spice with TLS is not supported");
  return { port: portOf(element, "port"), addr: hostOf(element).replace(/^\[(.*)\]$/, "$1") };
}

function appearance(element: Element): Options {
  const of = (name: string, attribute: string): string | undefined => element.first(name)?.attribute(attribute);
  const mouse = of("mouse", "mode");
  return {
    "agent-mouse": mouse === undefined ? undefined : mouse === "client",
    "image-compression": of("image", "compression"),
    "jpeg-wan-compression": of("jpeg", "compression"),
    "zlib-glz-wan-compression": of("zlib", "compression"),
    "playback-compression": flag(element.first("playback"), "compression"),
    "streaming-video": of("streaming", "mode"),
    "disable-copy-paste": flag(element.first("clipboard"), "copypaste") === false ? true : undefined,
    "disable-agent-file-xfer": flag(element.first("filetransfer"), "enable") === false ? true : undefined,
  };
}

const names = ["main", "display", "inputs", "cursor", "playback", "record", "smartcard", "usbredir"] as const;

function channels(element: Element): string[] {
  return element.all("channel").flatMap((channel) => {
    const name = oneOf(channel.attribute("name") ?? "", names, "spice channel");
    const mode = oneOf(channel.attribute("mode") ?? "any", ["any", "insecure", "secure"], "spice channel mode");
    if (mode === "secure") throw unsupported("spice with TLS is not supported");
    return mode === "any" ? [] : [optionText({ "plaintext-channel": name })];
  });
}
