import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { atExit, cannotRun, type Environment } from '../../system/index.ts';
import { AgentChannel } from './agent-channel.ts';
import { type Down, MachineDown } from './down.ts';
import { Qmp } from './qmp.ts';
import { SerialLog } from './serial-log.ts';

/** File descriptors that QEMU inherits: two private sockets, a snapshot's file, and an unnamed one. */
export const QMP_FD = 3;
export const AGENT_FD = 4;
export const SNAPSHOT_FD = 5;
export const SCRATCH_FD = 6;

export interface MachineSetup {
  /** QEMU's executable. */
  readonly program: string;
  readonly args: readonly string[];
  /** Folder of the files that the arguments name. */
  readonly folder: string;
  readonly env: Environment;
  /** The open file of the snapshot to restore. */
  readonly snapshot?: number;
  /** An open file for the memory that QEMU dumps. */
  readonly scratch?: number;
}

const NONE = -1;

const inherited = (descriptor: number): number | 'ignore' => (descriptor === NONE ? 'ignore' : descriptor);

/** A running QEMU: its serial line, its control socket, and the agent in dom0. */
export class Machine {
  readonly serial = new SerialLog();
  readonly qmp: Qmp;
  readonly agent: AgentChannel;
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  readonly #settled: () => void;
  #stderr = '';
  #down: Down | undefined;
  readonly #whenDown: Promise<never>;
  #tellDown: (error: MachineDown) => void = () => undefined;

  constructor({ program, args, folder, env, snapshot = NONE, scratch = NONE }: MachineSetup) {
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', inherited(snapshot), inherited(scratch)];
    const child: ChildProcess = spawn(program, args, { cwd: folder, env, stdio });
    this.#child = child;
    this.#whenDown = new Promise((_, reject) => {
      this.#tellDown = reject;
    });
    // Nobody may be waiting.
    this.#whenDown.catch(() => undefined);
    this.#settled = atExit(() => void child.kill('SIGKILL'));
    child.stdout?.setEncoding('latin1').on('data', (text: string) => this.#onSerial(text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-2000);
    });
    this.qmp = new Qmp(child.stdio[QMP_FD] as Duplex);
    this.agent = new AgentChannel(child.stdio[AGENT_FD] as Duplex);
    this.#gone = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#goDown({ kind: 'ended', reason: cannotRun(program, error) });
        this.#settled();
        resolve();
      });
      // `close`, not `exit`: only then has all output been read.
      child.once('close', (status, signal) => {
        this.#goDown(status === 0 ? { kind: 'reset' } : { kind: 'qemu', why: this.#reason(status, signal) });
        this.#settled();
        resolve();
      });
    });
  }

  #onSerial(text: string): void {
    this.serial.feed(text);
    const why = this.serial.finished;
    if (why !== undefined) this.#goDown({ kind: 'died', why });
  }

  #reason(status: number | null, signal: string | null): string {
    return this.#stderr.trim() || (signal === null ? `exit status ${status}` : `killed by ${signal}`);
  }

  #goDown(down: Down): void {
    if (this.#down !== undefined) return;
    this.#down = down;
    this.qmp.fail(down);
    this.agent.fail(down);
    this.#tellDown(new MachineDown(down));
    // Nothing that this machine still does matters.
    this.#child.kill('SIGKILL');
  }

  /** Returns why the machine stopped answering; `undefined` while it runs. */
  get down(): Down | undefined {
    return this.#down;
  }

  /** Returns the process id, for callers that check that QEMU is gone. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Ends the machine and waits until it is gone. */
  async end(reason: Down = { kind: 'ended', reason: undefined }): Promise<void> {
    this.#goDown(reason);
    await this.#gone;
  }

  /** Waits for an answer. A late answer takes the machine down. */
  async within<T>(ms: number, answer: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#goDown({ kind: 'silent', ms }), ms);
    try {
      return await Promise.race([answer, this.#whenDown]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Throws {@link MachineDown} if the machine is down. */
  check(): void {
    if (this.#down !== undefined) throw new MachineDown(this.#down);
  }
}
