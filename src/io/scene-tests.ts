/**
 * Scenes for the tests of one file: each test opens its own, and after each one nothing may be left of it. Why a
 * function that a test file calls at its top: the check then cannot be forgotten.
 */
import { afterEach, beforeEach, expect } from 'bun:test';
import { type CallingScene, callingScene } from './virtual-calling.ts';
import { type ProxyScene, proxyScene } from './virtual-proxy-scene.ts';
import { registrationScene } from './virtual-registration.ts';
import { type EchoScene, echoScene, leftovers } from './virtual-scene.ts';

/** What opens the echo of a test. */
export function echoTests(): typeof echoScene {
  let scene: EchoScene;
  afterEach(() => {
    expect(leftovers(scene.network, scene.echo)).toEqual([]);
  });
  return (...about) => {
    scene = echoScene(...about);
    return scene;
  };
}

/** What opens the account and the registrar of a test. */
export const registrationTests = (): typeof registrationScene => stopped(registrationScene);

/** What opens the caller of a test and the phone that it calls, which answers nothing until it is told how. */
export const callingTests = (): typeof callingScene =>
  stopped((...about: Parameters<typeof callingScene>) => {
    const scene = callingScene(...about);
    scene.phone.answering = () => undefined;
    return scene;
  });

/** Opens scenes of an endpoint that is stopped at the end of each test. */
function stopped<About extends unknown[], Scene extends Pick<CallingScene, 'network' | 'ours'>>(
  open: (...about: About) => Scene,
): (...about: About) => Scene {
  let scene: Scene;
  afterEach(() => {
    const { network, ours } = scene;
    ours.act({ type: 'stop', reason: 'the test is over' });
    expect(leftovers(network, ours)).toEqual([]);
    expect(ours.stopped).toBe('the test is over');
  });
  return (...about) => {
    scene = open(...about);
    return scene;
  };
}

/** Gives the proxy and its phones to each test before it begins. */
export function proxyTests(begin: (scene: ProxyScene) => void): void {
  let scene: ProxyScene;
  beforeEach(() => {
    scene = proxyScene();
    begin(scene);
  });
  afterEach(() => {
    expect(leftovers(scene.network, scene.proxy)).toEqual([]);
  });
}
