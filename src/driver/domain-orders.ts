/**
 * In which order libvirt writes what is in an element; what is not named keeps its place behind that. "a/b" is for a b in
 * an a, and goes before "b".
 */
export const childOrders: Readonly<Record<string, string>> = {
  domain:
    "name uuid genid title description metadata maxMemory memory currentMemory blkiotune memtune memoryBacking vcpu " +
    "vcpus iothreads iothreadids defaultiothread cputune numatune resource sysinfo bootloader bootloader_args os " +
    "idmap features cpu clock on_poweroff on_reboot on_crash on_lockfailure pm perf devices seclabel keywrap " +
    "launchSecurity",
  os:
    "type init initarg initenv initdir inituser initgroup firmware loader nvram kernel initrd cmdline dtb acpi boot " +
    "bootmenu bios smbios",
  sysinfo: "bios system baseBoard chassis oemStrings entry",
  memoryBacking: "hugepages nosharepages locked source access allocation discard",
  cputune:
    "shares period quota global_period global_quota emulator_period emulator_quota iothread_period iothread_quota " +
    "vcpupin emulatorpin iothreadpin vcpusched iothreadsched emulatorsched cachetune memorytune",
  blkiotune: "weight device",
  memtune: "hard_limit soft_limit min_guarantee swap_hard_limit",
  numatune: "memory memnode",
  features:
    "acpi apic pae hap viridian privnet hyperv kvm pvspinlock capabilities pmu vmport gic smm ioapic hpt vmcoreinfo " +
    "htm nested-hv msrs ccf-assist xen cfpc sbbc ibs tcg async-teardown",
  hyperv:
    "relaxed vapic spinlocks vpindex runtime synic stimer reset vendor_id frequencies reenlightenment tlbflush ipi " +
    "evmcs avic",
  kvm: "hidden hint-dedicated poll-control pv-ipi dirty-ring",
  cpu: "arch model vendor microcode signature topology cache maxphysaddr feature numa",
  "numa/cell": "distances cache",
  pm: "suspend-to-mem suspend-to-disk",
  devices:
    "emulator disk controller lease filesystem interface smartcard serial parallel console channel input tpm " +
    "graphics sound audio video hostdev redirdev redirfilter hub watchdog memballoon rng nvram panic shmem memory " +
    "crypto iommu vsock",
  disk:
    "driver auth source backingStore backenddomain mirror geometry blockio target iotune readonly shareable " +
    "transient serial wwn vendor product encryption boot acpi alias rom address",
  "disk/source":
    "host snapshot config ssl cookies readahead timeout initiator auth address reservations slices encryption reconnect " +
    "privateData seclabel",
  backingStore: "format source backingStore",
  mirror: "format source backingStore",
  iotune:
    "total_bytes_sec read_bytes_sec write_bytes_sec total_iops_sec read_iops_sec write_iops_sec total_bytes_sec_max " +
    "read_bytes_sec_max write_bytes_sec_max total_iops_sec_max read_iops_sec_max write_iops_sec_max size_iops_sec " +
    "group_name total_bytes_sec_max_length read_bytes_sec_max_length write_bytes_sec_max_length " +
    "total_iops_sec_max_length read_iops_sec_max_length write_iops_sec_max_length",
  "blkiotune/device": "path weight read_iops_sec write_iops_sec read_bytes_sec write_bytes_sec",
  controller: "model target driver boot acpi alias master rom address",
  filesystem: "driver binary source target readonly space_hard_limit space_soft_limit boot acpi alias rom address",
  "filesystem/binary": "cache sandbox lock thread_pool",
  interface:
    "mac source vlan virtualport bandwidth port ip route script downscript backenddomain target guest model driver " +
    "backend filterref tune link mtu teaming coalesce boot acpi alias rom address",
  bandwidth: "inbound outbound",
  "interface/driver": "host guest",
  serial: "source protocol log target acpi alias address",
  parallel: "source protocol log target acpi alias address",
  console: "source protocol log target acpi alias address",
  channel: "source protocol log target acpi alias address",
  smartcard: "certificate database source protocol log alias address",
  input: "driver source alias address",
  tpm: "backend alias address",
  "tpm/backend": "encryption device active_pcr_banks",
  graphics: "listen channel image jpeg zlib playback streaming mouse clipboard filetransfer gl",
  sound: "codec audio boot acpi alias rom address",
  audio: "input output",
  video: "driver model alias address",
  "video/model": "acceleration resolution",
  hostdev: "driver source teaming readonly shareable boot acpi alias rom address",
  redirdev: "source protocol log boot alias address",
  hub: "alias address",
  watchdog: "alias address",
  memballoon: "stats alias driver address",
  rng: "rate backend driver alias address",
  panic: "alias address",
  shmem: "model size server msi alias address",
  "devices/memory": "uuid source target alias address",
  "memory/source": "path alignsize pmem nodemask pagesize",
  "memory/target": "size node label readonly block requested current address",
  vsock: "cid driver alias address",
  iommu: "driver alias address",
  crypto: "backend driver alias address",
};

/** The same for attributes. */
export const attributeOrders: Readonly<Record<string, string>> = {
  domain: "type id",
  vcpu: "placement cpuset current",
  "vcpus/vcpu": "id enabled hotpluggable order",
  "hugepages/page": "size unit nodeset",
  iothread: "id thread_pool_min thread_pool_max",
  vcpupin: "vcpu cpuset",
  iothreadpin: "iothread cpuset",
  vcpusched: "vcpus scheduler priority",
  iothreadsched: "iothreads scheduler priority",
  "numatune/memory": "mode nodeset placement",
  memnode: "cellid mode nodeset",
  "os/type": "arch machine",
  loader: "readonly secure type stateless",
  "firmware/feature": "enabled name",
  bios: "useserial rebootTimeout",
  bootmenu: "enable timeout",
  spinlocks: "state retries",
  vendor_id: "state value",
  cpu: "mode match check migratable",
  "cpu/model": "fallback vendor_id",
  "cpu/feature": "policy name",
  "cpu/cache": "level mode",
  maxphysaddr: "mode bits limit",
  topology: "sockets dies cores threads",
  "numa/cell": "id cpus memory unit memAccess discard",
  clock: "offset adjustment basis timezone start",
  timer: "name present tickpolicy track frequency mode",
  catchup: "threshold slew limit",
  seclabel: "type model relabel",
  disk: "type device model rawio sgio snapshot",
  "disk/driver":
    "name type cache error_policy rerror_policy io ioeventfd event_idx copy_on_read discard iothread detect_zeroes " +
    "queues queue_size iommu ats packed page_per_vq",
  "disk/source":
    "file dev dir protocol name type path pool volume mode managed namespace query tls tlsHostname " +
    "startupPolicy index",
  "disk/target": "dev bus tray removable rotation_rate",
  host: "name transport port socket",
  encryption: "format engine",
  secret: "type uuid usage",
  slice: "type offset size",
  blockio: "logical_block_size physical_block_size",
  geometry: "cyls heads secs trans",
  controller: "type index model ports vectors maxGrantFrames maxEventChannels",
  "controller/driver": "queues cmd_per_lun max_sectors ioeventfd iothread iommu ats packed page_per_vq",
  "controller/target": "chassisNr chassis port busNr index hotplug",
  address: "type domain controller bus target unit slot port function device multifunction uuid iobase reg base",
  filesystem: "type accessmode model multidevs fmode dmode",
  "filesystem/driver": "type format wrpolicy queue iommu ats packed page_per_vq",
  interface: "type managed trustGuestRxFilters",
  "interface/source": "network portgroup portid bridge dev type path mode address port",
  "interface/target": "dev managed",
  "interface/driver":
    "name txmode ioeventfd event_idx queues rx_queue_size tx_queue_size rss rss_hash_report iommu ats packed " +
    "page_per_vq",
  "driver/host": "csum gso tso4 tso6 ecn ufo mrg_rxbuf",
  "driver/guest": "csum tso4 tso6 ecn ufo",
  "interface/ip": "address family prefix peer",
  backend: "model type version persistent_state tap vhost queues",
  rom: "enabled bar file",
  inbound: "average peak floor burst",
  outbound: "average peak floor burst",
  source: "channel mode path host service tls append startupPolicy evdev dev grab grabToggle repeat",
  reconnect: "enabled timeout",
  log: "file append",
  "serial/target": "type port",
  "console/target": "type port",
  "channel/target": "type name state address port",
  console: "type tty",
  input: "type bus model",
  tpm: "model",
  graphics:
    "type socket port tlsPort autoport websocket websocketGenerated listen keymap sharePolicy powerControl " +
    "defaultMode multiUser display xauth fullscreen passwd passwdValidTo connected",
  "graphics/listen": "type address network socket",
  "graphics/channel": "name mode",
  audio: "id type timerPeriod path serverName runtimeDir",
  "audio/input": "name clientName connectPorts exactName voices mixingEngine fixedSettings",
  settings: "frequency channels format",
  "video/model": "type ram vram vram64 vgamem heads primary blob",
  acceleration: "accel3d accel2d rendernode",
  hostdev: "mode type managed sgio rawio model display ramfb",
  usbdev: "class vendor product version allow",
  redirdev: "bus type",
  watchdog: "model action",
  memballoon: "model autodeflate freePageReporting",
  rate: "bytes period",
  shmem: "name role",
  msi: "enabled vectors ioeventfd",
  "devices/memory": "model access discard",
  cid: "auto address",
  crypto: "model type",
  "iommu/driver": "intremap caching_mode eim iotlb aw_bits",
};
