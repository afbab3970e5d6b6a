/**
 * The CPU time of another process: its clock, as clock_getcpuclockid(3) names it.
 *
 * Why not utime and stime of proc(5)'s stat, which are the same sum: they are whole hundredths of a second, each cut off
 * by itself, and 6 s of SIPp under load are 25 of them. Why not schedstat, which has nanoseconds too: it has nothing of
 * threads that have ended, as compilers do.
 */
import { dlopen, FFIType } from 'bun:ffi';

const { symbols: libc } = dlopen('libc.so.6', {
  clock_gettime: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
});

/** CPUCLOCK_SCHED of the kernel's posix-timers.h: what the scheduler counted, of the whole process. */
const SCHED = 2;
const spent = new BigInt64Array(2);

/** CPU time of a process and all threads it ever had, in ms. Throws when there is no such process. */
export function cpuMs(pid: number): number {
  if (libc.clock_gettime((~pid << 3) | SCHED, spent) !== 0) throw new Error(`there is no process ${pid}`);
  const [seconds = 0n, nanoseconds = 0n] = spent;
  return Number(seconds) * 1e3 + Number(nanoseconds) / 1e6;
}
