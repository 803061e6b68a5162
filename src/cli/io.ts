/** What a command uses of its process. Tests pass their own. */
export interface CliIo {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Is standard output a terminal? */
  readonly isTTY: boolean;
  /** Is standard error a terminal? Progress and coloured error messages go there. */
  readonly stderrIsTTY: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Width of the terminal; undefined without one. */
  readonly columns: number | undefined;
  /** Directory that relative paths start from. */
  readonly cwd: string;
}

/** Exit statuses: a public interface. */
export const EXIT = {
  success: 0,
  /** Refused by Xen, a panic, a failed step, or a finding of severity error. */
  refused: 1,
  /** A usage error, or a failure of the environment. */
  usage: 2,
} as const;
