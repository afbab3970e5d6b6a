/** A machine beside that of the scenario: a network namespace, and what is started in it. */
import { type Lab, output } from './lab.ts';

/** Makes one with nothing in it but loopback; its name, for cables. */
export async function addSpace(lab: Lab, space: string): Promise<string> {
  await output(['ip', 'netns', 'add', space]);
  lab.defer(async () => void (await output(['ip', 'netns', 'del', space])));
  await output(['ip', '-n', space, 'link', 'set', 'lo', 'up']);
  return space;
}

/** The lab with everything that is started in it in that namespace. */
export function labIn(lab: Lab, space: string): Lab {
  const exec = ['ip', 'netns', 'exec', space];
  return {
    ...lab,
    ringback: [...exec, ...lab.ringback],
    spawn: (name, argv, env) => lab.spawn(name, [...exec, ...argv], env),
  };
}
