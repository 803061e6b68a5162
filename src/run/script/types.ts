import type { ExpectedStep } from '../expectation.ts';
import type { SimulationOptions } from '../options.ts';
import type { ScriptPlace } from './node.ts';

/** The file of a payload. */
export interface PayloadSource {
  /** Relative to the scenario's root. */
  readonly path: string;
  /** Where the scenario names it, for messages. */
  readonly place: ScriptPlace;
  /** Fill in the build-ids and sizes of the hypervisor that the scenario runs on. */
  readonly fit: boolean;
  /** The payload that a fitted one depends on. */
  readonly depends: PayloadSource | null;
}

export interface ScriptStep extends ExpectedStep<PayloadSource> {
  readonly place: ScriptPlace;
  /** `apply hello`: the step in words. */
  readonly text: string;
}

/** Settings of the host that a scenario runs on. The image decides what is absent. */
export interface ScriptSettings
  extends Pick<
    SimulationOptions,
    'release' | 'cpu' | 'cpus' | 'late' | 'stuck' | 'debug' | 'loglvl' | 'timeout' | 'nodeps'
  > {
  readonly xen?: { readonly path: string; readonly place: ScriptPlace };
}

/** One run of a scenario, with one combination of its matrix. Plain data, so that it can be handed to another thread. */
export interface ScenarioCell {
  /** As the user would name it. */
  readonly file: string;
  readonly title: string;
  /** The combination, as in `release=4.17.2 cpu=amd-zen4`; empty without a matrix. */
  readonly cell: string;
  readonly settings: ScriptSettings;
  readonly steps: readonly ScriptStep[];
}
