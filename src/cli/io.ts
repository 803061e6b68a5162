/** Everything that a command sees of the process it runs in. Tests make their own. */
export interface CliIo {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Is standard output a terminal? */
  readonly isTTY: boolean;
  /** Is standard error a terminal? Progress and coloured error messages go there. */
  readonly stderrIsTTY: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Width of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
  /** Directory that relative paths start from. */
  readonly cwd: string;
}

/** What the shell sees. Source: design, section 6. */
export const EXIT = {
  /** It holds. */
  holds: 0,
  /** Refused, a panic, a failed step, or a finding that is an error. */
  refused: 1,
  /** The command line or the environment is wrong. */
  usage: 2,
} as const;
