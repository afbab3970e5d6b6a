/**
 * A certification authority for tests, made by openssl: good certificates, and each kind of bad one.
 *
 * `bun interop/test-ca.ts FOLDER` writes one there; fixtures/tls was made so. The keys are worth nothing.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { $ } from 'bun';

interface Wanted {
  readonly name: string;
  /** As openssl writes it: `DNS:lab.local,URI:sip:lab.local`; none when empty. */
  readonly alternatives: string;
  readonly commonName?: string;
  /** `YYYYMMDDHHMMSSZ`; from 2020 to 2116 when not said, so that a fixture stays good. */
  readonly from?: string;
  readonly until?: string;
  /** Who signs; `ca` when absent, itself when it is its own name. */
  readonly issuer?: string;
  /** Where its issuer's certificate is found, as public authorities write it. */
  readonly issuerUrl?: string;
  readonly authority?: boolean;
}

const UNTIL = '21160101000000Z';

const CONFIGURATION = `
[ca]
default_ca = this
[this]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
`;

/** An empty authority in that folder: `ca.pem`, `ca.key`. */
async function openAuthority(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const files: Record<string, string> = { 'ca.cnf': CONFIGURATION, 'index.txt': '', serial: '1000' };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  await issue(folder, {
    name: 'ca',
    alternatives: '',
    commonName: 'Test CA',
    issuer: 'ca',
    authority: true,
  });
}

/** A certificate `name.pem` and its key `name.key`; one that is there is replaced, with another serial number. */
export async function issue(folder: string, wanted: Wanted): Promise<void> {
  const { name, alternatives, commonName = name, from = '20200101000000Z', until = UNTIL } = wanted;
  const { issuer = 'ca', issuerUrl, authority = false } = wanted;
  const extensions = [
    `basicConstraints=${authority ? 'critical,CA:true' : 'CA:false'}`,
    ...(alternatives === '' ? [] : [`subjectAltName=${alternatives}`]),
    ...(issuerUrl === undefined ? [] : [`authorityInfoAccess=caIssuers;URI:${issuerUrl}`]),
  ];
  writeFileSync(join(folder, `${name}.ext`), `${extensions.join('\n')}\n`);
  await $`openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ${name}.key -out ${name}.csr -subj /CN=${commonName}`
    .cwd(folder)
    .quiet();
  const signer = issuer === name ? ['-selfsign'] : ['-cert', `${issuer}.pem`];
  await $`openssl ca -config ca.cnf -batch -notext -in ${name}.csr -out ${name}.pem ${signer} -keyfile ${issuer}.key -startdate ${from} -enddate ${until} -extfile ${name}.ext`
    .cwd(folder)
    .quiet();
  for (const left of ['csr', 'ext']) rmSync(join(folder, `${name}.${left}`));
}

/** The authority, a good certificate for `domain` and 127.0.0.1, and the bad ones by the name of their fault. */
export async function makeTestAuthority(folder: string, domain: string): Promise<void> {
  await openAuthority(folder);
  await issue(folder, {
    name: 'good',
    alternatives: `DNS:${domain},URI:sip:${domain},IP:127.0.0.1`,
    commonName: domain,
  });
  await issue(folder, { name: 'other', alternatives: 'DNS:other.example', commonName: 'other.example' });
  await issue(folder, { name: 'wildcard', alternatives: `DNS:*.${domain.replace(/^[^.]*\./, '')}` });
  await issue(folder, {
    name: 'expired',
    alternatives: `DNS:${domain}`,
    until: '20210101000000Z',
  });
  await issue(folder, { name: 'future', alternatives: `DNS:${domain}`, from: '21000101000000Z' });
  await issue(folder, { name: 'self', alternatives: `DNS:${domain}`, commonName: domain, issuer: 'self' });
  await issue(folder, {
    name: 'intermediate',
    alternatives: '',
    commonName: 'Intermediate CA',
    authority: true,
  });
  await issue(folder, {
    name: 'incomplete',
    alternatives: `DNS:${domain}`,
    issuer: 'intermediate',
    issuerUrl: 'http://ca.example/intermediate.cer',
  });
  await issue(folder, {
    name: 'expired-intermediate',
    alternatives: '',
    commonName: 'Expired Intermediate CA',
    authority: true,
    until: '20210101000000Z',
  });
  await issue(folder, {
    name: 'under-expired',
    alternatives: `DNS:${domain}`,
    issuer: 'expired-intermediate',
  });
  const read = (file: string) => Bun.file(join(folder, file)).text();
  writeFileSync(join(folder, 'chain.pem'), (await read('incomplete.pem')) + (await read('intermediate.pem')));
  const expired = (await read('under-expired.pem')) + (await read('expired-intermediate.pem'));
  writeFileSync(join(folder, 'under-expired.pem'), expired);
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? '.');
  if (existsSync(join(folder, 'ca.key'))) throw new Error(`${folder} has an authority already`);
  await makeTestAuthority(folder, 'lab.local');
  writeFileSync(
    join(folder, 'README.md'),
    'Made by `bun interop/test-ca.ts`, for tests alone: the keys are known to everybody.\n',
  );
}
