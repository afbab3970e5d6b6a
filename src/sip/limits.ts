/**
 * Every bound on what a stranger can make grow, in one place. Only src/rtp and src/stun, which know nothing of SIP,
 * have those of a packet and of a message beside what reads them.
 *
 * They are generous against real traffic (a large INVITE with SIPREC or STIR is about 8 KiB) and small against
 * memory. What exceeds one is refused with the status beside it, or dropped where no answer can be given.
 */

/** A whole message, start line to body, in bytes: 513 Message Too Large. */
export const MAX_MESSAGE_BYTES = 65_535;
/** The body, in bytes: 413 Request Entity Too Large. */
export const MAX_BODY_BYTES = 49_152;
/** Header fields in a message: 400. */
export const MAX_HEADER_FIELDS = 128;
/** One header field, name and value with folds, in bytes: 400. */
export const MAX_HEADER_BYTES = 8_192;
/** Values in one list header (Via, Route, Contact): 400. */
export const MAX_LIST_VALUES = 64;
/** Parameters of one value (a URI, a Via, a Contact): 400. */
export const MAX_PARAMETERS = 32;
/** The start line, in bytes: 414 Request-URI Too Long. */
export const MAX_START_LINE_BYTES = 4_096;
/** Lines of a session description: 400. */
export const MAX_SDP_LINES = 512;
/** Media lines of a session description: 400. */
export const MAX_SDP_MEDIA = 16;
/** Payload types of one media line: 400. */
export const MAX_SDP_PAYLOADS = 64;
/** Parts of one multipart body, and how deep they may nest: 400. */
export const MAX_MULTIPART_PARTS = 16;
export const MAX_MULTIPART_DEPTH = 3;
/** Challenges read from one response; the rest is not looked at. */
export const MAX_CHALLENGES = 8;

/** Calls at once before 486 (`--max-calls`). */
export const DEFAULT_MAX_CALLS = 1_000;
/** Reliable provisional responses of one phone that get a PRACK (RFC 3262): a phone that rings sends one or two. */
export const MAX_RELIABLE_RESPONSES = 32;
/** Phones that one call of ours may ring, and be answered by: a proxy forks to a handful. More are not looked at. */
export const MAX_FORKS = 16;
/** INVITEs of one call that were given up and may be answered yet: each took seconds, and their answers come in 32 s. */
export const MAX_GIVEN_UP = 8;
/** Transactions at once before 503 with Retry-After. Each lives up to 32 s after its end on UDP. */
export const MAX_TRANSACTIONS = 100_000;
/**
 * Bytes of the requests that transactions hold, at once, before 503 as well: a request of 60 KB costs its sender
 * nothing and stays for 32 s. As many of common size as there may be transactions.
 */
export const MAX_TRANSACTION_BYTES = 67_108_864;
/** MESSAGEs of ours that are out at once (`--echo-messages`); one more is not echoed. */
export const MAX_ECHOED_MESSAGES = 64;
/** OPTIONS of ours that wait for an answer at once; one more is not sent. */
export const MAX_PINGS = 64;
/** Text and addresses of a MESSAGE that is echoed, in bytes: RFC 3428 §8 allows 1300 for all of it. */
export const MAX_PAGER_MESSAGE_BYTES = 900;
/** Addresses of which it is remembered whether they hear us (address-validation.ts); the oldest is forgotten. */
export const MAX_SOURCES = 4_096;
/** Datagrams repeated in a minute to an address that never showed that it hears us: three calls without an ACK. */
export const MAX_UNPROVEN_REPEATS = 64;
/** Of all calls, those that such an address may hold: 486 beyond. A proxy is beyond it until its first ACK alone. */
export const MAX_UNPROVEN_SHARE = 1 / 2;
/** Handshakes on the TLS port that are not through; the oldest makes room for one more. */
export const MAX_PENDING_HANDSHAKES = 256;
/** Rejections that are said one by one at once, and a second from then on; the rest is counted (rejection-limit.ts). */
export const MAX_REJECTIONS_AT_ONCE = 100;
export const REJECTIONS_PER_SECOND = 5;
/** Answers a second to STUN requests of anybody: phones of a registrar ask every 25 s or so (stun-reception.ts). */
export const STUN_ANSWERS_PER_S = 1_000;
/** TCP connections that strangers opened, at once: who was silent longest gives way, who has most (crowding.ts), or the new one. */
export const MAX_CONNECTIONS = 1_024;
/** A TCP connection of a stranger that brought no message yet is closed after this long, in ms. */
export const SILENT_CONNECTION_MS = 30_000;
/** TCP connections that we open, at once; one more fails as if nobody listened. */
export const MAX_OPENED_CONNECTIONS = 1_024;
/**
 * Of those, at which none more is opened for what a stranger can bring about: a Contact that asks for TCP, a request
 * that is large because his headers are. Registrations and calls of our own need the rest.
 */
export const MAX_NAMED_CONNECTIONS = 512;
/** A TCP connection on which nothing was heard and no call stands is closed after this long, in ms. */
export const IDLE_CONNECTION_MS = 600_000;
/** Bytes waiting to be written on one TCP connection before it is given up. */
export const MAX_UNSENT_BYTES = 1_048_576;
/** Bindings a registrar keeps for one address of record: 403. */
export const MAX_BINDINGS = 10;
/** Flows that a registrar knows to be replaced by others: the oldest is forgotten. */
export const MAX_REPLACED_FLOWS = 256;
/** Values of Path in one binding: 400. */
export const MAX_PATHS = 8;
/** Ways that a proxy sends one request; further bindings are left out. */
export const MAX_BRANCHES = 10;
/** Requests that a proxy waits for the answers to, at once, before 503. */
export const MAX_RESPONSE_CONTEXTS = 10_000;
/** Names of next hops that a proxy has asked for and not heard of, before 503. */
export const MAX_WAITING_NAMES = 1_000;
/** Addresses that DNS gives for one next hop, and hosts that are asked for behind its SRV records. */
export const MAX_SERVER_HOPS = 16;
export const MAX_SRV_TARGETS = 8;
/** DNS answers kept (dns-cache.ts); the one asked for longest ago is forgotten. A caller of the proxy may name any host. */
export const MAX_DNS_ANSWERS = 1_000;
/** Servers of which it is remembered that they failed (failed-servers.ts); the oldest is forgotten. */
export const MAX_FAILED_SERVERS = 256;
/** The largest request that goes in a datagram where TCP may be taken, in bytes (RFC 3261 §18.1.1). */
export const LARGEST_DATAGRAM_REQUEST_BYTES = 1_300;
/** Servers of which it is remembered that they take no TCP (large-request.ts); the oldest is forgotten. */
export const MAX_SERVERS_WITHOUT_TCP = 256;
/** Accounts at once, those that came by `add-account` counted too: a lab has a handful. */
export const MAX_ACCOUNTS = 1_000;
/** Peers towards which our own address is remembered: each one more costs a question to the kernel. */
export const MAX_ROUTES = 1_024;
/** Texts of one kind of which it is remembered what they say (remembered.ts), and the longest; each keeps its message. */
export const MAX_REMEMBERED_TEXTS = 64;
export const MAX_REMEMBERED_LENGTH = 64;
/** Local addresses of which it is remembered that they were said (`address.discovered`). */
export const MAX_ADDRESSES_SAID = 64;
/** RTP before its call: how long a packet is held, in ms, bytes held of one stream, and streams (early-packets.ts). */
export const MAX_EARLY_MS = 1_000;
export const MAX_EARLY_BYTES = 8_192;
/** What the smallest of those packets counts for, in bytes: so a stream holds 128, a second of one every 8 ms. */
export const EARLY_PACKET_BYTES = 64;
export const MAX_EARLY_STREAMS = 8;
/** How often a flow is pinged at most unless told otherwise, in seconds: RFC 5626 §4.4.2, because of the NATs that forget UDP after 30. */
export const DEFAULT_KEEPALIVE_S = 29;
