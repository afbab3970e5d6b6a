/**
 * A command in Linux namespaces of its own: a network with loopback and nothing else, its own process numbers, its own
 * /run. Why a scenario is run so: no port, capture, firewall rule, agent or stranger of one can meet another's, nothing
 * can leave the machine, and when it ends the kernel takes all of it back, whatever the scenario forgot.
 */

/** Shell, as the first process in there; it waits for the command, and buries what others leave behind. */
const PREPARE = [
  'ip link set lo up',
  // The machine's own daemons are not there any more, nor is anybody's agent.
  'mount -t tmpfs -o mode=755 none /run',
  'mkdir -m 700 /run/user-of-scenario',
  'export XDG_RUNTIME_DIR=/run/user-of-scenario',
  '"$@"; exit $?',
].join(' && ');

/**
 * The words that run a command so; its exit code is theirs. Killing them kills everything that it started, and so does
 * whatever ends who runs them, where that is root: a run that is killed leaves nothing.
 */
export function apart(argv: readonly string[]): string[] {
  // Who is not root is root of these namespaces alone.
  const user = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const spaces = ['--net', '--pid', '--mount', '--mount-proc', '--fork', '--kill-child'];
  const alone = ['unshare', ...user, ...spaces, 'sh', '-c', PREPARE, 'sh'];
  return ['setpriv', '--pdeathsig', 'KILL', ...alone, ...argv];
}
