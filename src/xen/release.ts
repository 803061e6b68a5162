/**
 * What one point release of Xen accepts and does: one row of the release table (`releases.ts`). Nothing outside that
 * table asks for a version number; code asks for the member that describes the behaviour.
 *
 * Each member's comment names the commit on Xen's master, and the first tags that contain it or its backport.
 */

/** How `struct livepatch_func` is laid out, and where its state lives. See `livepatch-func.ts`. */
export type FuncLayout = 'v1' | 'v2-applied' | 'v2-patch-offset' | 'v2';

/** Which memory is writable while functions are patched (x86). W1: CR0.WP off. W2: W1, and CET off around it where
 * shadow stacks are active. W3: text of the registered regions. W4: text and rodata of the registered regions. */
export type PermissionRegime = 'W1' | 'W2' | 'W3' | 'W4';

export interface AlternativeRules {
  /** NCAPINTS * 32: the first feature number that does not exist. */
  readonly featureLimit: number;
  /** ARM_NCAPS: the first number that is no capability of an Arm host, and ARM_CB_PATCH in entries that name a function. */
  readonly armCapabilities: number;
  /** Are entries checked to lie in the payload's text? Since e74360e4ba (4.17.4, 4.18.0). */
  readonly rangeCheck: boolean;
  /** Bad entries: BUG() panics the host, or an errno since aa5a06d5d6 (4.18.4, 4.19.1, 4.20.0). */
  readonly badEntry: 'bug' | 'errno';
  /** Bit 15 of the feature inverts its meaning. 328ed39c59 (4.17.6, 4.18.5, 4.19.3, 4.20.1, 4.21.0). */
  readonly inverted: boolean;
  /** Entries whose `priv` byte is not zero are skipped. Since 4.13. */
  readonly privSkips: boolean;
  /** Padding that the toolchain made ideal is left alone. Since b28cd21c36 (4.12). */
  readonly toolchainNops: boolean;
  /** Xen retargets a jump to __x86_return_thunk at the end of a replacement. eabcdd0faa (4.21.0). */
  readonly returnThunkFixup: boolean;
  /** 4.17.0-.3, 4.18.0-.1: processing walks __initdata_cf_clobber, which is gone after boot. Fixed by 4be1fef1e6. */
  readonly walksFreedClobberList: boolean;
  /** How optimised indirect calls are marked. */
  readonly altCalls: 'none' | 'alt_instr' | 'alt_call_sites';
  /** Pointers marked __alt_call_maybe_initdata are gone after boot, so that a payload's alternative call through one
   * faults while it loads: f26bb28594 (4.16.0) to af4cd0a6a6 (4.17.5, 4.18.3, 4.19.0). */
  readonly altCallInitdata: boolean;
  /** A call's target is moved past its ENDBR64 (builds with CONFIG_XEN_IBT). Since 4.17. */
  readonly altCallSkipsEndbr: boolean;
}

/** Which suffixes of `%p` printk knows, beyond `h`, `s`, `S` and `v`. See `pointer-formats.ts`. */
export interface PointerFormatRules {
  /** `%pd`. With it `%pv` says `d[IDLE]v0` rather than `IDLEv0`, and both say `NULL` of NULL. Since 4.12. */
  readonly domain: boolean;
  /** `%*pb` and `%*pbl`. Since 4.13. */
  readonly bitmap: boolean;
  /** `%pp`. Since 1ee1441835 (4.15). */
  readonly pci: boolean;
}

/** How x86 keeps a CPU's state, and how it prints it. See `cpu-info.ts` and `execution-state.ts`. */
export interface X86StateRules {
  /** What struct cpu_info starts with: registers with es, ds, fs and gs behind them, or without, and FRED's 16 bytes instead.
   * Since 4.21. */
  readonly userRegs: 'segments' | 'fred';
  /** Pages of a hypervisor stack: IST stacks in 0 … 3 and a guard in 4 and 5, or shadow stacks in 0 and 5 and IST stacks in
   * 1 … 4. Since 4.14. */
  readonly stackPages: 'guard' | 'shadow';
  /** A call trace says of each line whether it is from RIP, a frame or the stack, and has the top of the stack besides RIP where
   * it looks like code. Since 4.13. */
  readonly traceLetters: boolean;
  /** Last-branch records are two lines with symbols. Since 4.12. */
  readonly lerSymbols: boolean;
}

export interface Release {
  /** As `xen_major.minor` and the point release: `4.17.7`. */
  readonly version: string;

  // ---- the ABI (public/sysctl.h)
  readonly sysctlInterfaceVersion: number;
  readonly payloadVersion: 1 | 2;
  readonly funcLayout: FuncLayout;
  /** `struct livepatch_func` holds Xen's own state (until 82182ad7b4: 4.17.3, 4.18.1, 4.19.0). */
  readonly stateInPayload: boolean;
  /** The word behind the sub-operation: `pad` must be 0; `flags` since 62a72092a5 (4.19). */
  readonly opWord: 'pad' | 'flags';
  /** ACTION carries `flags` and `pad` (NODEPS). Since b274989b61 (4.14). */
  readonly actionFlags: boolean;
  /** LIST returns names back to back and metadata. Since b145b4a39c, 5083e0ff93 (4.14). */
  readonly listMetadata: boolean;
  /** LIST's sizes are the caller's buffer sizes, too (ENOBUFS). Since 4c3ce492ed (4.21). */
  readonly listSizesIn: boolean;

  // ---- the loader
  readonly xenDepends: 'none' | 'after-prepare' | 'before-move';
  /** `.livepatch.funcs` must exist; since 76b3d4098a (4.14) any hook section will do. */
  readonly funcsRequired: boolean;
  /** Hooks before, instead of and after the actions. Since 8313c864fa, ef87efee9d (4.14). */
  readonly actionHooks: boolean;
  readonly modinfo: boolean;
  readonly expectations: boolean;
  /** xen_build_id_check's errno reaches the caller (-ENODATA). Since 86d09d16dd (4.18.4, 4.19.1, 4.20). */
  readonly buildIdErrno: boolean;
  /** Sections of size 0 are placed. Since 0dc1f929e8 (4.14.5, 4.15.3, 4.16.1, 4.17). */
  readonly emptySectionsPlaced: boolean;
  /** Relocations against symbols of sections that are not loaded are refused. 9120b5737f (as above). */
  readonly ignoredSymbols: boolean;
  /** What the loader holds for a section without SHF_ALLOC: NULL, or since 8c81423038 (4.18.4, 4.19.1, 4.20) its bytes in
   * the upload buffer. */
  readonly unloadedSection: 'null' | 'upload-buffer';
  /** `.livepatch.funcs` alone being writable does not forbid re-applying. Since 98b728a7b2 (4.8): move_payload. */
  readonly funcsExemptFromReapply: boolean;
  /** old_addr is resolved before it is verified. 5142dc5c25 (4.14.5, 4.15.3, 4.16.1, 4.17). */
  readonly resolveBeforeVerify: boolean;
  /** What the log says as reason where Xen has no build-id and `xenDepends` is before-move: -ENODATA, 0 since 4.21. */
  readonly missingBuildIdLogged: -61 | 0;
  /** Which virtual layout x86 has, named after the first release that has it; see `virtual-layout.ts`. */
  readonly x86Layout: '4.7' | '4.14';
  /** The same of arm64 and arm32. */
  readonly armLayout: '4.8' | '4.18' | '4.19';
  /** First address of VMAP_XEN on x86. Since c182e89d0b (4.17) `__2M_rwdata_end`. */
  readonly vmapStart: 'round-up-end' | '__2M_rwdata_end';

  // ---- patching
  /** ENDBR64 at a function's start is kept: 6974c75180 (4.14.5, 4.15.3, 4.16.1), the poison NOP4 too since 4.17. */
  readonly endbr: 'ignored' | 'endbr64' | 'endbr64-or-poison';
  readonly permissions: PermissionRegime;
  /** A payload's region is registered when it is applied, or since a57b4074ab (4.17.4, 4.18.1, 4.19) when loaded. */
  readonly regionRegistered: 'apply' | 'load';
  /** modify_xen_mappings_lite wraps in the wrong table at 2 MiB boundaries until 7c81558208 (4.17.4, 4.18.1, 4.19). */
  readonly liteMappingBug: boolean;
  /** Refuses to patch while a domain has an active waitqueue. ca4cd36682 (4.11.3, 4.12.2, 4.13). */
  readonly waitqueueCheck: boolean;
  readonly alternatives: AlternativeRules;
  /** Trap instruction of a bug frame. `udb` since 1f3dd605ea (4.22). */
  readonly bugTrap: 'ud2' | 'udb';
  /** `struct virtual_region` has each kind's first and last bug frame, rather than the first and how many. 3434518d05 (4.19). */
  readonly bugFrameBounds: boolean;
  /** Bug frames of Arm start with run_fn, as x86's do, and are four kinds rather than three. c8d4b6304a (4.15). */
  readonly armRunFn: boolean;
  /** Faults in emulator stubs are recovered by popping the return address (XSA-451): the assembly around stub calls in
   * a payload has to agree. 91f5f7a915 (4.15.6, 4.16.6, 4.17.4, 4.18.1, 4.19.0). */
  readonly stubRecoveryPops: boolean;
  /** Where CPUs meet: since 005de45c88 (4.13.1, 4.14) only in the idle loop. */
  readonly rendezvous: 'softirq' | 'tasklet';

  // ---- the console
  /** Errors were debug-build output with a trailing `!` up to 4.12 (4470efeae4, 9e1cfdf3ae). */
  readonly errorsLogged: 'printk' | 'dprintk';
  /** The least important level that a release build shows by default: INFO since 8c01f267ef (4.18). */
  readonly defaultLogLevel: 'WARNING' | 'INFO';
  /** The `x` key repeats `depend-on-xen` where the payload keeps it after loading. */
  readonly dumpsXenDepends: boolean;
  readonly pointerFormats: PointerFormatRules;
  readonly x86State: X86StateRules;
  /** The banner has what xen_build_info() says; before, gcov's name or nothing, and a blank more. Since 4.15. */
  readonly buildInfo: boolean;
  /** struct vcpu has a guest area of two pointers in front of `domain`, rather than one pointer. Since 4.18. */
  readonly vcpuInfoArea: boolean;
  /** Screens of arm64 have system registers in 16 digits, rather than in 8. Since 4.16. */
  readonly armWideRegisters: boolean;
}
