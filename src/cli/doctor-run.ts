/** Runs the checks of `doctor` side by side, under one limit of time. */
import { type CheckName, type Finding, unfinished } from '../doctor/check.ts';

/** When the last check has to be done, in ms after the start of the process: it ends before 10 s. */
const END_MS = 9_000;

/** Runs checks side by side and tells of each when it is done, or when the time is over. */
export class Checks {
  private readonly running: Promise<void>[] = [];
  private readonly over: Promise<'over'>;

  constructor(
    private readonly onFinding: (finding: Finding, tookMs: number) => void,
    private readonly cancelled: Promise<unknown>,
  ) {
    this.over = new Promise((resolve) => {
      setTimeout(() => resolve('over'), END_MS - performance.now()).unref();
    });
  }

  /** `look` gives nothing when there is nothing to say. */
  run(check: CheckName, look: () => Promise<Finding | undefined>): void {
    const startedMs = performance.now();
    const looked = Promise.race([attempted(check, look), this.over]).then((found) => {
      const tookMs = performance.now() - startedMs;
      const finding = found === 'over' ? unfinished(check, tookMs) : found;
      if (finding !== undefined) this.onFinding(finding, tookMs);
    });
    this.running.push(looked);
  }

  /** Resolves when the last one is done, or nobody wants to know any more. */
  async done(): Promise<void> {
    await Promise.race([Promise.all(this.running), this.cancelled]);
  }
}

/** What could not be begun (no port to listen on) is said; an error with a type of its own is a bug of ours. */
async function attempted(
  check: CheckName,
  look: () => Promise<Finding | undefined>,
): Promise<Finding | undefined> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof Error) || error.constructor !== Error) throw error;
    return { check, verdict: 'unknown', evidence: error.message };
  }
}
