import type { Disassembler } from '../arch/index.ts';
import type {
  CheckReport,
  InspectOptions,
  InspectReport,
  PayloadFile,
  RehearsalReport,
  SimulationOptions,
} from '../scenario/index.ts';
import type { Release } from '../xen/index.ts';

/** An image and payloads that come with xsplice. */
export interface Example {
  readonly image: Uint8Array;
  readonly payloads: readonly PayloadFile[];
}

/** What the commands call. Loaded when a command needs it, so that `--help` and a wrong option cost nothing. */
export interface Engine {
  /** The name that `xen-livepatch load` gives the payload in this file. */
  payloadName(path: string): string;
  inspectPayloads(payloads: readonly PayloadFile[], options: InspectOptions): InspectReport;
  /** Loads a disassembler. Rejects with an XspliceError (ETOOL) where its package is not installed. */
  disassembler(): Promise<Disassembler>;
  checkPayloads(image: Uint8Array, payloads: readonly PayloadFile[], options: SimulationOptions): CheckReport;
  rehearsePayloads(
    image: Uint8Array,
    payloads: readonly PayloadFile[],
    options: SimulationOptions,
  ): Promise<RehearsalReport>;
  /** Oldest first. */
  releases(): readonly Release[];
  /** Names that `--cpu` takes. */
  cpuPresets(): readonly string[];
  /** Names that `--example` takes. */
  exampleNames(): Promise<readonly string[]>;
  /** Rejects with an XspliceError (EUSAGE) for a name that is none. */
  example(name: string): Promise<Example>;
}
