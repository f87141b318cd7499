import { array, hyper, optional, uint } from "../../xdr/index.ts";
import { proc, streamProc } from "../procedure.ts";
import { writeOrSave } from "./access.ts";
import { Domain, string } from "./base.ts";

/** Devices: plugging them, and using them from outside. */
export const domainDevice = {
  /** Plugs a device, given as its part of a definition, into a running domain. */
  domainAttachDevice: proc(8, { args: { dom: Domain, xml: string }, acl: "domain:write" }),
  /** Unplugs the device that this part of a definition describes. */
  domainDetachDevice: proc(13, { args: { dom: Domain, xml: string }, acl: "domain:write" }),
  /** Plugs a device, live or into the definition. */
  domainAttachDeviceFlags: proc(160, { args: { dom: Domain, xml: string, flags: uint }, acl: writeOrSave("domain") }),
  /** Unplugs a device, live or from the definition. */
  domainDetachDeviceFlags: proc(161, { args: { dom: Domain, xml: string, flags: uint }, acl: writeOrSave("domain") }),
  /** Changes a device: another medium, another network, link up or down. */
  domainUpdateDeviceFlags: proc(174, { args: { dom: Domain, xml: string, flags: uint }, acl: writeOrSave("domain") }),
  /** Opens a console as a stream; null takes the first. Bit 0 of `flags` throws out who has it. */
  domainOpenConsole: streamProc(201, {
    args: { dom: Domain, devName: optional(string), flags: uint },
    stream: { direction: "both" },
    acl: "domain:open_device",
  }),
  /** Sends the guest a non-maskable interrupt. */
  domainInjectNmi: proc(210, { args: { dom: Domain, flags: uint }, acl: "domain:inject_nmi" }),
  /** A picture of a screen, as a stream; `mime` says of what kind. */
  domainScreenshot: streamProc(211, {
    args: { dom: Domain, screen: uint, flags: uint },
    ret: { mime: optional(string) },
    stream: { direction: "download" },
    acl: "domain:screenshot",
  }),
  /** Presses keys together for `holdtime` ms; `codeset` says how they are numbered. */
  domainSendKey: proc(226, {
    args: { dom: Domain, codeset: uint, holdtime: uint, keycodes: array(uint, 16), flags: uint },
    acl: "domain:send_input",
  }),
  /** Connects the passed socket with a graphics server of the domain. */
  domainOpenGraphics: proc(249, {
    args: { dom: Domain, idx: uint, flags: uint },
    fds: "call",
    acl: "domain:open_graphics",
  }),
  /** Sends a signal to a process inside a container. */
  domainSendProcessSignal: proc(295, {
    args: { dom: Domain, pidValue: hyper, signum: uint, flags: uint },
    acl: "domain:send_signal",
  }),
  /** Opens a channel to the guest as a stream; null takes the first. */
  domainOpenChannel: streamProc(296, {
    args: { dom: Domain, name: optional(string), flags: uint },
    stream: { direction: "both" },
    acl: "domain:open_device",
  }),
  /** Opens a connection with a graphics server of the domain and passes its descriptor. */
  domainOpenGraphicsFd: proc(343, {
    args: { dom: Domain, idx: uint, flags: uint },
    fds: "reply",
    acl: "domain:open_graphics",
  }),
  /** Unplugs the device that has this alias. The reply says it was asked for, an event that it is gone. */
  domainDetachDeviceAlias: proc(392, { args: { dom: Domain, alias: string, flags: uint }, acl: writeOrSave("domain") }),
  /** Makes a graphics server read its certificates again. */
  domainGraphicsReload: proc(448, { args: { dom: Domain, type: uint, flags: uint }, acl: "domain:write" }),
} as const;
