import type { Disassembler } from '../arch/index.ts';
import type { Severity } from '../base/index.ts';
import type { ConformCase } from '../conform/index.ts';
import type { CheckMatrix, ConformReport, InspectReport, RehearsalReport } from '../documents/index.ts';
import type { InspectOptions } from '../inspect/index.ts';
import type { LintRule, RuleLevels } from '../lint/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import type { PlannedCall, RehearsalOptions, SimulationOptions } from '../run/index.ts';
import type { Release, XenArch } from '../xen/index.ts';
import type { CheckRequest } from './check-run.ts';
import type { HypervisorPairOptions } from './hypervisor-pair.ts';

/** An image and payloads that come with xsplice. */
export interface Example {
  readonly image: Uint8Array;
  readonly payloads: readonly PayloadInput[];
}

/** A rehearsal on a real hypervisor: Debian's, or the user's own. */
export interface QemuRehearsalOptions extends RehearsalOptions {
  /** Of the host; `x86_64` by default. */
  readonly arch?: XenArch;
  /** The bootable image, `xen` or `xen.gz`; with it `xenSyms` of the same build. */
  readonly xenImage?: string;
  readonly xenSyms?: string;
  readonly cpus?: number;
  readonly loglvl?: string;
  /** Most seconds until the host is up. */
  readonly bootTimeout?: number;
}

/** What commands use of the room lint. */
export interface LintRoom {
  /** In the order of their findings. */
  readonly RULES: readonly LintRule[];
  /** The severity of what a rule finds, or `off`. */
  severityOf(rule: LintRule, levels: RuleLevels): Severity | 'off';
  /** Reads what `--rule` was given. Throws an XspliceError (EUSAGE). */
  parseRuleLevels(settings: readonly string[], rules: readonly LintRule[]): RuleLevels;
}

/** An embedded example, as a list shows it. */
export interface ListedExample {
  readonly name: string;
  readonly arch: string;
  /** `accepted`, or `refused` and the errno. */
  readonly verdict: string;
  readonly title: string;
}

/** What the commands call. Loaded when a command needs it, so that `--help` and a wrong option cost nothing. */
export interface Engine {
  /** Reads what `--call` was given. Throws an XspliceError (EUSAGE). */
  plannedCall(text: string): PlannedCall;
  /** The name that `xen-livepatch load` gives the payload in this file. */
  payloadName(path: string): string;
  inspectPayloads(payloads: readonly PayloadInput[], options: InspectOptions): InspectReport;
  /** Loads a disassembler. Rejects with an XspliceError (ETOOL) where its package is not installed. */
  disassembler(): Promise<Disassembler>;
  /** Xen's own checks and then lint, of every payload on every hypervisor. Rejects with an XspliceError. */
  checkMatrix(request: CheckRequest): Promise<CheckMatrix>;
  /** The rules, and what reads their names. */
  lint(): Promise<LintRoom>;
  rehearsePayloads(
    image: Uint8Array,
    payloads: readonly PayloadInput[],
    options: SimulationOptions,
  ): Promise<RehearsalReport>;
  /** The same on a real hypervisor in QEMU. */
  rehearseOnQemu(payloads: readonly PayloadInput[], options: QemuRehearsalOptions): Promise<RehearsalReport>;
  /** What `xsplice conform` can run, and what the step of that number, counted from 1, of a case does, in words. */
  conformCases(): Promise<{
    readonly cases: readonly ConformCase[];
    readonly stepText: (name: string, step: number) => string;
  }>;
  /** Runs cases on a simulated and a real host. Fetches and boots what it needs; rejects with an XspliceError. */
  conform(cases: readonly ConformCase[], options: HypervisorPairOptions): Promise<ConformReport>;
  /** Oldest first. */
  releases(): readonly Release[];
  /** Names that `--cpu` takes. */
  cpuPresets(): readonly string[];
  /** Names that `--example` takes. */
  exampleNames(): Promise<readonly string[]>;
  /** Rejects with an XspliceError (EUSAGE) for a name that is none. */
  example(name: string): Promise<Example>;
  /** What is known of examples, of all where none is named. Rejects with an XspliceError (EUSAGE) for a name that is none. */
  listExamples(names: readonly string[]): Promise<readonly ListedExample[]>;
  /** Their files, and those of the hypervisors that they are for: bytes by relative path. */
  exampleFiles(listed: readonly ListedExample[]): Promise<ReadonlyMap<string, Uint8Array>>;
}
