/**
 * Every key of libxl's JSON for a domain's configuration, with what its value is. libxl passes over a key that it does
 * not know in silence, so this table is what refuses a misspelt one. A test compares it with the library's header.
 */

/** What a value of the JSON is. "name" is an enumeration's, "defbool" a yes or no with a default that libxl knows. */
export type Kind = "text" | "name" | "integer" | "boolean" | "defbool" | "integers" | "texts" | "pairs" | "anything";

export interface Keys {
  readonly [key: string]: Kind | Keys | List;
}

export interface List<T extends Kind | Keys = Kind | Keys> {
  readonly each: T;
}

type Words<S extends string> = S extends `${infer First} ${infer Rest}` ? First | Words<Rest> : S;

function of<const K extends Kind>(kind: K) {
  return <const S extends string>(words: S) =>
    Object.fromEntries(words.split(" ").map((word) => [word, kind])) as { readonly [W in Words<S>]: K };
}

const text = of("text");
const name = of("name");
const integer = of("integer");
const bool = of("boolean");
const defbool = of("defbool");
const integers = of("integers");
const texts = of("texts");
const pairs = of("pairs");
const anything = of("anything");

function list<const T extends Kind | Keys>(each: T): List<T> {
  return { each };
}

const domainCreateInfo = {
  ...name("type passthrough"),
  ...defbool("hap oos run_hotplug_scripts driver_domain xend_suspend_evtchn_compat"),
  ...integer("ssidref domid poolid"),
  ...text("ssid_label name uuid pool_name"),
  ...pairs("xsdata platformdata"),
};

const vnodeInfo = { ...integer("memkb pnode"), ...integers("distances vcpus") };

const domainSchedParams = { ...name("sched"), ...integer("weight cap period budget extratime slice latency") };

const ioportRange = { ...integer("first number") };

const iomemRange = { ...integer("start number gfn") };

const vgaInterfaceInfo = { ...name("kind") };

const vncInfo = { ...defbool("enable findunused"), ...text("listen passwd"), ...integer("display") };

const sdlInfo = { ...defbool("enable opengl"), ...text("display xauthority") };

const spiceInfo = {
  ...defbool("enable disable_ticketing agent_mouse vdagent clipboard_sharing"),
  ...integer("port tls_port usbredirection"),
  ...text("host passwd image_compression streaming_video"),
};

const rdmReserve = { ...name("strategy policy") };

const domainBuildInfo = {
  ...integer("max_vcpus max_memkb target_memkb video_memkb shadow_memkb iommu_memkb rtc_timeoffset"),
  ...integer("exec_ssidref max_grant_frames max_maptrack_frames max_grant_version stubdomain_memkb"),
  ...integer("device_model_ssidref event_channels vmtrace_buf_kb"),
  ...integers("avail_vcpus cpumap nodemap irqs"),
  ...defbool("numa_placement localtime disable_migrate device_model_stubdomain claim_mode acpi nested_hvm apic"),
  ...defbool("dm_restrict vpmu"),
  ...name("tsc_mode device_model_version timer_mode tee altp2m"),
  ...text("exec_ssid_label blkdev_start stubdomain_kernel stubdomain_cmdline stubdomain_ramdisk"),
  ...text("device_model device_model_ssid_label device_model_user kernel cmdline ramdisk device_tree"),
  ...text("bootloader"),
  ...anything("cpuid"),
  ...texts("extra extra_pv extra_hvm bootloader_args"),
  vcpu_hard_affinity: list("integers"),
  vcpu_soft_affinity: list("integers"),
  vnuma_nodes: list(vnodeInfo),
  sched_params: domainSchedParams,
  ioports: list(ioportRange),
  iomem: list(iomemRange),
  "type.hvm": {
    ...text("firmware timeoffset system_firmware smbios_firmware acpi_firmware keymap serial boot usbdevice"),
    ...text("soundhw"),
    ...name("bios timer_mode hdtype gfx_passthru_kind vendor_device"),
    ...defbool("pae apic acpi acpi_s3 acpi_s4 acpi_laptop_slate nx viridian hpet vpt_align nested_hvm altp2m"),
    ...defbool("nographic gfx_passthru usb vkb_device xen_platform_pci"),
    ...integers("viridian_enable viridian_disable ms_vm_genid"),
    ...integer("mmio_hole_memkb usbversion rdm_mem_boundary_memkb mca_caps"),
    ...texts("usbdevice_list serial_list"),
    vga: vgaInterfaceInfo,
    vnc: vncInfo,
    sdl: sdlInfo,
    spice: spiceInfo,
    rdm: rdmReserve,
  },
  "type.pv": {
    ...text("kernel bootloader cmdline ramdisk"),
    ...integer("slack_memkb"),
    ...texts("bootloader_args"),
    ...defbool("e820_host"),
  },
  "type.pvh": { ...defbool("pvshim"), ...text("pvshim_path pvshim_cmdline pvshim_extra") },
  arch_arm: { ...name("gic_version vuart") },
  arch_x86: { ...defbool("msr_relaxed") },
};

export const disk = {
  ...integer("backend_domid removable readwrite is_cdrom irq base colo_port"),
  ...text("backend_domname pdev_path vdev script colo_host colo_export active_disk hidden_disk"),
  ...name("backend format specification transport"),
  ...bool("direct_io_safe"),
  ...defbool("discard_enable colo_enable colo_restore_enable trusted"),
};

export const nic = {
  ...integer("backend_domid devid mtu rate_bytes_per_interval rate_interval_usecs"),
  ...text("backend_domname model mac ip bridge ifname script gatewaydev coloft_forwarddev"),
  ...text("colo_sock_mirror_id colo_sock_mirror_ip colo_sock_mirror_port colo_sock_compare_pri_in_id"),
  ...text("colo_sock_compare_pri_in_ip colo_sock_compare_pri_in_port colo_sock_compare_sec_in_id"),
  ...text("colo_sock_compare_sec_in_ip colo_sock_compare_sec_in_port colo_sock_compare_notify_id"),
  ...text("colo_sock_compare_notify_ip colo_sock_compare_notify_port colo_sock_redirector0_id"),
  ...text("colo_sock_redirector0_ip colo_sock_redirector0_port colo_sock_redirector1_id"),
  ...text("colo_sock_redirector1_ip colo_sock_redirector1_port colo_sock_redirector2_id"),
  ...text("colo_sock_redirector2_ip colo_sock_redirector2_port colo_filter_mirror_queue"),
  ...text("colo_filter_mirror_outdev colo_filter_redirector0_queue colo_filter_redirector0_indev"),
  ...text("colo_filter_redirector0_outdev colo_filter_redirector1_queue colo_filter_redirector1_indev"),
  ...text("colo_filter_redirector1_outdev colo_compare_pri_in colo_compare_sec_in colo_compare_out"),
  ...text("colo_compare_notify_dev colo_sock_sec_redirector0_id colo_sock_sec_redirector0_ip"),
  ...text("colo_sock_sec_redirector0_port colo_sock_sec_redirector1_id colo_sock_sec_redirector1_ip"),
  ...text("colo_sock_sec_redirector1_port colo_filter_sec_redirector0_queue"),
  ...text("colo_filter_sec_redirector0_indev colo_filter_sec_redirector0_outdev"),
  ...text("colo_filter_sec_redirector1_queue colo_filter_sec_redirector1_indev"),
  ...text("colo_filter_sec_redirector1_outdev colo_filter_sec_rewriter0_queue colo_checkpoint_host"),
  ...text("colo_checkpoint_port"),
  ...name("nictype"),
  ...defbool("trusted"),
};

const pci = {
  ...integer("func dev bus domain vdevfn vfunc_mask"),
  ...bool("msitranslate power_mgmt permissive seize"),
  ...name("rdm_policy"),
  ...text("name"),
};

const rdm = { ...integer("start size"), ...name("policy") };

const dtdev = { ...text("path") };

const vfb = { ...integer("backend_domid devid"), ...text("backend_domname keymap"), vnc: vncInfo, sdl: sdlInfo };

const vkb = {
  ...integer("backend_domid devid width height multi_touch_width multi_touch_height multi_touch_num_contacts"),
  ...text("backend_domname unique_id"),
  ...name("backend_type"),
  ...bool("feature_disable_keyboard feature_disable_pointer feature_abs_pointer feature_raw_pointer"),
  ...bool("feature_multi_touch"),
};

const vtpm = { ...integer("backend_domid devid"), ...text("backend_domname uuid") };

const p9 = { ...integer("backend_domid devid"), ...text("backend_domname tag path security_model") };

const pvcallsif = { ...integer("backend_domid devid"), ...text("backend_domname") };

const connectorParam = { ...text("unique_id"), ...integer("width height") };

const vdispl = {
  ...integer("backend_domid devid"),
  ...text("backend_domname"),
  ...bool("be_alloc"),
  connectors: list(connectorParam),
};

const vsndParams = {
  ...integers("sample_rates"),
  ...integer("channels_min channels_max buffer_size"),
  sample_formats: list("name"),
};

const vsndStream = { ...text("unique_id"), ...name("type"), params: vsndParams };

const vsndPcm = { ...text("name"), params: vsndParams, streams: list(vsndStream) };

const vsnd = {
  ...integer("backend_domid devid"),
  ...text("backend_domname short_name long_name"),
  params: vsndParams,
  pcms: list(vsndPcm),
};

const channel = {
  ...integer("backend_domid devid"),
  ...text("backend_domname name"),
  "connection.unknown": {},
  "connection.pty": {},
  "connection.socket": text("path"),
};

const usbctrl = { ...name("type"), ...integer("devid version ports backend_domid"), ...text("backend_domname") };

const usbdev = { ...integer("ctrl port"), "type.hostdev": { ...integer("hostbus hostaddr") } };

export const domainConfig = {
  ...name("on_poweroff on_reboot on_watchdog on_crash on_soft_reset"),
  c_info: domainCreateInfo,
  b_info: domainBuildInfo,
  disks: list(disk),
  nics: list(nic),
  pcidevs: list(pci),
  rdms: list(rdm),
  dtdevs: list(dtdev),
  vfbs: list(vfb),
  vkbs: list(vkb),
  vtpms: list(vtpm),
  p9s: list(p9),
  pvcallsifs: list(pvcallsif),
  vdispls: list(vdispl),
  vsnds: list(vsnd),
  channels: list(channel),
  usbctrls: list(usbctrl),
  usbdevs: list(usbdev),
};
