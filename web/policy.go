package web

// PageCSP is the content security policy of every page of the wallet. Only the
// pages' own scripts run, WebAssembly compiles, nothing is evaluated, and the
// only Trusted Types policies are Lit's and the one that admits exactly the
// worker's and the service worker's address (CSP Level 3, Trusted Types).
const PageCSP = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; " +
	"img-src 'self' data:; manifest-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; " +
	"trusted-types lit-html facet-scripts; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// WorkerCSP is the policy of the engine's worker script: a worker has the policy
// it is served with. The engine calls issuers and verifiers, pages do not.
const WorkerCSP = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' https:; " +
	"require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; frame-ancestors 'none'"

// InsecureLoopbackWorkerCSP is WorkerCSP for the demo on one machine: it also
// reaches http addresses of this machine.
const InsecureLoopbackWorkerCSP = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; " +
	"connect-src 'self' https: http://localhost:* http://*.localhost:*; " +
	"require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; frame-ancestors 'none'"

// ServiceWorkerCSP is the policy of the service worker: it fetches the wallet's
// own files and nothing else.
const ServiceWorkerCSP = "default-src 'none'; script-src 'self'; connect-src 'self'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; frame-ancestors 'none'"
