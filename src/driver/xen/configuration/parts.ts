import type { DomainConfig } from "../../../libxl/index.ts";

export type { DiskConfig, NicConfig } from "../../../libxl/index.ts";

type Item<K extends keyof DomainConfig> = NonNullable<DomainConfig[K]> extends readonly (infer Each)[] ? Each : never;

/** The pieces of libxl's configuration, by what they are of the guest. */
export type FramebufferConfig = Item<"vfbs">;
export type PciConfig = Item<"pcidevs">;
export type UsbControllerConfig = Item<"usbctrls">;
export type UsbDeviceConfig = Item<"usbdevs">;
export type ChannelConfig = Item<"channels">;
export type BuildConfig = NonNullable<DomainConfig["b_info"]>;
export type HvmConfig = NonNullable<BuildConfig["type.hvm"]>;
export type VncConfig = NonNullable<HvmConfig["vnc"]>;

/** Without what has no value. */
export function given<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

/** An attribute for each that has a value. */
export function attributes(fields: Readonly<Record<string, string | number | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}
