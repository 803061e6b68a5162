/**
 * The behaviour of one point release of Xen: one row of the release table (`releases.ts`). Nothing outside the table compares
 * versions; code asks for the member that describes the behaviour.
 *
 * Each member's comment names the commit on Xen's master, and the first tags with it or its backport.
 */

/** Layout of `struct livepatch_func`, and where its state lives. See `livepatch-func.ts`. */
export type FuncLayout = 'v1' | 'v2-applied' | 'v2-patch-offset' | 'v2';

/**
 * Writable memory while functions are patched (x86). W1: CR0.WP off. W2: W1, plus CET off around it if shadow stacks are active. W3:
 * text of the registered regions. W4: text and rodata of the registered regions.
 */
export type PermissionRegime = 'W1' | 'W2' | 'W3' | 'W4';

export interface AlternativeRules {
  /** NCAPINTS * 32: the first invalid feature number. */
  readonly featureLimit: number;
  /** ARM_NCAPS: the first invalid capability of an Arm host, and ARM_CB_PATCH in entries with a callback. */
  readonly armCapabilities: number;
  /** Must entries lie in the payload's text? Since e74360e4ba (4.17.4, 4.18.0). */
  readonly rangeCheck: boolean;
  /** Reaction to a bad entry: BUG() panics the host, or an errno since aa5a06d5d6 (4.18.4, 4.19.1, 4.20.0). */
  readonly badEntry: 'bug' | 'errno';
  /** Bit 15 of the feature inverts its meaning. 328ed39c59 (4.17.6, 4.18.5, 4.19.3, 4.20.1, 4.21.0). */
  readonly inverted: boolean;
  /** Skips entries with a non-zero `priv`. Since 4.13. */
  readonly privSkips: boolean;
  /** Leaves padding alone that the toolchain made optimal. Since b28cd21c36 (4.12). */
  readonly toolchainNops: boolean;
  /** Retargets a tail jump to __x86_return_thunk at the end of a replacement. eabcdd0faa (4.21.0). */
  readonly returnThunkFixup: boolean;
  /** Walks __initdata_cf_clobber, which is freed after boot. 4.17.0-.3, 4.18.0-.1; fixed by 4be1fef1e6. */
  readonly walksFreedClobberList: boolean;
  /** How optimised indirect calls are marked. */
  readonly altCalls: 'none' | 'alt_instr' | 'alt_call_sites';
  /**
   * Frees pointers marked __alt_call_maybe_initdata after boot, so a payload's alternative call through one faults while it loads:
   * f26bb28594 (4.16.0) to af4cd0a6a6 (4.17.5, 4.18.3, 4.19.0).
   */
  readonly altCallInitdata: boolean;
  /** Moves the target of an optimised call past its ENDBR64 (builds with CONFIG_XEN_IBT). Since 4.17. */
  readonly altCallSkipsEndbr: boolean;
}

/** Suffixes of `%p` that printk knows, besides `h`, `s`, `S` and `v`. See `pointer-formats.ts`. */
export interface PointerFormatRules {
  /** `%pd`. With it, `%pv` prints `d[IDLE]v0` instead of `IDLEv0`, and both print `NULL` for NULL. Since 4.12. */
  readonly domain: boolean;
  /** `%*pb` and `%*pbl`. Since 4.13. */
  readonly bitmap: boolean;
  /** `%pp`. Since 1ee1441835 (4.15). */
  readonly pci: boolean;
}

/** Layout and screen of a CPU's state on x86. See `cpu-info.ts` and `execution-state.ts`. */
export interface X86StateRules {
  /** Start of struct cpu_info: registers followed by es, ds, fs and gs, or by FRED's 16 bytes. Since 4.21. */
  readonly userRegs: 'segments' | 'fred';
  /**
   * Pages of a hypervisor stack: IST stacks in 0 … 3 and a guard in 4 and 5; or shadow stacks in 0 and 5 and IST stacks in 1 … 4.
   * Since 4.14.
   */
  readonly stackPages: 'guard' | 'shadow';
  /**
   * Marks each line of a call trace as from RIP, a frame or the stack, and shows the top of the stack as well as RIP if it looks
   * like code.
   * Since 4.13.
   */
  readonly traceLetters: boolean;
  /** Prints last-branch records as two lines with symbols. Since 4.12. */
  readonly lerSymbols: boolean;
}

export interface Release {
  /** `xen_major.minor` and the point release: `4.17.7`. */
  readonly version: string;

  // ---- the ABI (public/sysctl.h)
  readonly sysctlInterfaceVersion: number;
  readonly payloadVersion: 1 | 2;
  readonly funcLayout: FuncLayout;
  /** `struct livepatch_func` holds Xen's own state (until 82182ad7b4: 4.17.3, 4.18.1, 4.19.0). */
  readonly stateInPayload: boolean;
  /** The word after the sub-operation: `pad` must be 0; `flags` since 62a72092a5 (4.19). */
  readonly opWord: 'pad' | 'flags';
  /** ACTION carries `flags` and `pad` (NODEPS). Since b274989b61 (4.14). */
  readonly actionFlags: boolean;
  /** LIST returns names back to back and metadata. Since b145b4a39c, 5083e0ff93 (4.14). */
  readonly listMetadata: boolean;
  /** LIST also reads its sizes, as the caller's buffer sizes (ENOBUFS). Since 4c3ce492ed (4.21). */
  readonly listSizesIn: boolean;

  // ---- the loader
  readonly xenDepends: 'none' | 'after-prepare' | 'before-move';
  /** `.livepatch.funcs` must exist; since 76b3d4098a (4.14) any hook section suffices. */
  readonly funcsRequired: boolean;
  /** Hooks before, instead of, and after the actions. Since 8313c864fa, ef87efee9d (4.14). */
  readonly actionHooks: boolean;
  readonly modinfo: boolean;
  readonly expectations: boolean;
  /** xen_build_id_check's errno reaches the caller (-ENODATA). Since 86d09d16dd (4.18.4, 4.19.1, 4.20). */
  readonly buildIdErrno: boolean;
  /** Places sections of size 0. Since 0dc1f929e8 (4.14.5, 4.15.3, 4.16.1, 4.17). */
  readonly emptySectionsPlaced: boolean;
  /** Refuses relocations against symbols of sections that are not loaded. 9120b5737f (as above). */
  readonly ignoredSymbols: boolean;
  /**
   * The loader's pointer for a section without SHF_ALLOC: NULL, or since 8c81423038 (4.18.4, 4.19.1, 4.20) its bytes in the upload
   * buffer.
   */
  readonly unloadedSection: 'null' | 'upload-buffer';
  /** A payload whose only writable section is `.livepatch.funcs` may be re-applied. Since 98b728a7b2 (4.8): move_payload. */
  readonly funcsExemptFromReapply: boolean;
  /** Resolves old_addr before verifying it. 5142dc5c25 (4.14.5, 4.15.3, 4.16.1, 4.17). */
  readonly resolveBeforeVerify: boolean;
  /** The errno in the log if Xen has no build-id and `xenDepends` is before-move: -ENODATA, 0 since 4.21. */
  readonly missingBuildIdLogged: -61 | 0;
  /** Virtual layout of x86, named after its first release; see `virtual-layout.ts`. */
  readonly x86Layout: '4.7' | '4.14';
  /** The same for arm64 and arm32. */
  readonly armLayout: '4.8' | '4.18' | '4.19';
  /** First address of VMAP_XEN on x86. Since c182e89d0b (4.17) `__2M_rwdata_end`. */
  readonly vmapStart: 'round-up-end' | '__2M_rwdata_end';

  // ---- patching
  /** Keeps ENDBR64 at a function's start: 6974c75180 (4.14.5, 4.15.3, 4.16.1); since 4.17 also the poison NOP4. */
  readonly endbr: 'ignored' | 'endbr64' | 'endbr64-or-poison';
  readonly permissions: PermissionRegime;
  /** Registers a payload's region on apply, or since a57b4074ab (4.17.4, 4.18.1, 4.19) on load. */
  readonly regionRegistered: 'apply' | 'load';
  /** modify_xen_mappings_lite wraps in the wrong table at 2 MiB boundaries until 7c81558208 (4.17.4, 4.18.1, 4.19). */
  readonly liteMappingBug: boolean;
  /** Refuses to patch while a domain has an active waitqueue. ca4cd36682 (4.11.3, 4.12.2, 4.13). */
  readonly waitqueueCheck: boolean;
  readonly alternatives: AlternativeRules;
  /** Trap instruction of a bug frame. `udb` since 1f3dd605ea (4.22). */
  readonly bugTrap: 'ud2' | 'udb';
  /** `struct virtual_region` has the first and last bug frame of each kind, instead of the first and a count. 3434518d05 (4.19). */
  readonly bugFrameBounds: boolean;
  /** Arm's bug frames start with run_fn, like x86's, and have four kinds instead of three. c8d4b6304a (4.15). */
  readonly armRunFn: boolean;
  /**
   * Recovers faults in emulator stubs by popping the return address (XSA-451). The assembly around stub calls in a payload must
   * match.
   * 91f5f7a915 (4.15.6, 4.16.6, 4.17.4, 4.18.1, 4.19.0).
   */
  readonly stubRecoveryPops: boolean;
  /** Where CPUs rendezvous: since 005de45c88 (4.13.1, 4.14) only in the idle loop. */
  readonly rendezvous: 'softirq' | 'tasklet';

  // ---- the console
  /** Up to 4.12, errors were debug-build output with a trailing `!` (4470efeae4, 9e1cfdf3ae). */
  readonly errorsLogged: 'printk' | 'dprintk';
  /** Least important level that a release build prints by default: INFO since 8c01f267ef (4.18). */
  readonly defaultLogLevel: 'WARNING' | 'INFO';
  /** The `x` key prints `depend-on-xen` if the payload keeps it after loading. */
  readonly dumpsXenDepends: boolean;
  readonly pointerFormats: PointerFormatRules;
  readonly x86State: X86StateRules;
  /** The banner contains the text of xen_build_info(); before, gcov's name or nothing, and one more blank. Since 4.15. */
  readonly buildInfo: boolean;
  /** struct vcpu has a guest area of two pointers before `domain`, instead of one pointer. Since 4.18. */
  readonly vcpuInfoArea: boolean;
  /** arm64 screens print system registers with 16 digits instead of 8. Since 4.16. */
  readonly armWideRegisters: boolean;
}
