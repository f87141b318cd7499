/** Where a register of CPUID has which feature, from bit 0 on; "." is one without a name. Names are libvirt's. */
const registers: readonly (readonly [leaf: number, subleaf: number | undefined, register: string, names: string])[] = [
  [
    1,
    undefined,
    "ecx",
    "pni pclmuldq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm . pcid dca sse4.1 sse4.2 " +
      "x2apic movbe popcnt tsc-deadline aes xsave osxsave avx f16c rdrand hypervisor",
  ],
  [
    1,
    undefined,
    "edx",
    "fpu vme de pse tsc msr pae mce cx8 apic . sep mtrr pge mca cmov pat pse36 pn clflush . ds acpi mmx fxsr sse sse2 " +
      "ss ht tm ia64 pbe",
  ],
  [
    7,
    0,
    "ebx",
    "fsgsbase tsc_adjust sgx bmi1 hle avx2 . smep bmi2 erms invpcid rtm cmt . mpx . avx512f avx512dq rdseed adx smap " +
      "avx512ifma pcommit clflushopt clwb intel-pt avx512pf avx512er avx512cd sha-ni avx512bw avx512vl",
  ],
  [
    7,
    0,
    "ecx",
    "prefetchwt1 avx512vbmi umip pku ospke waitpkg avx512vbmi2 . gfni vaes vpclmulqdq avx512vnni avx512bitalg . " +
      "avx512-vpopcntdq . la57 . . . . . rdpid . . cldemote . movdiri movdir64b",
  ],
  [
    7,
    0,
    "edx",
    ". . avx512-4vnniw avx512-4fmaps fsrm . . . avx512-vp2intersect . md-clear . . . serialize . tsx-ldtrk . . . . . . . . " +
      ". spec-ctrl stibp . arch-capabilities core-capability ssbd",
  ],
  [0xd, 1, "eax", "xsaveopt xsavec xgetbv1 xsaves"],
  [
    0x8000_0001,
    undefined,
    "ecx",
    "lahf_lm cmp_legacy svm extapic cr8legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop skinit wdt . lwp fma4 " +
      "tce . nodeid_msr . tbm topoext perfctr_core perfctr_nb",
  ],
  [
    0x8000_0001,
    undefined,
    "edx",
    ". . . . . . . . . . . syscall . . . . . . . . nx . mmxext . . fxsr_opt pdpe1gb rdtscp . lm 3dnowext 3dnow",
  ],
  [0x8000_0007, undefined, "edx", ". . . . . . . . invtsc"],
  [0x8000_0008, undefined, "ebx", "clzero . xsaveerptr . . . . . . wbnoinvd . . ibpb . . amd-stibp"],
];

export interface FeaturePlace {
  readonly leaf: number;
  readonly subleaf: number | undefined;
  readonly register: string;
  readonly bit: number;
}

const places = new Map<string, FeaturePlace>();
for (const [leaf, subleaf, register, names] of registers) {
  for (const [bit, name] of names.split(" ").entries())
    if (name !== ".") places.set(name, { leaf, subleaf, register, bit });
}

/** Where CPUID says whether there is that feature. */
export function placeOf(feature: string): FeaturePlace | undefined {
  return places.get(feature);
}

export function featureAt({ leaf, subleaf = 0, register, bit }: FeaturePlace): string | undefined {
  for (const [name, place] of places) {
    const isSame = place.leaf === leaf && (place.subleaf ?? 0) === subleaf && place.register === register;
    if (isSame && place.bit === bit) return name;
  }
  return undefined;
}
