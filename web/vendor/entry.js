// What web/vendor/lit.js exports: Lit's core, its decorators and the directives
// our pages use. README.md says how the module is built from this file.
export * from "lit";
export * from "lit/decorators.js";
export * from "lit/directive.js";
export * from "lit/directives/choose.js";
export * from "lit/directives/class-map.js";
export * from "lit/directives/guard.js";
export * from "lit/directives/if-defined.js";
export * from "lit/directives/keyed.js";
export * from "lit/directives/live.js";
export * from "lit/directives/map.js";
export * from "lit/directives/ref.js";
export * from "lit/directives/repeat.js";
export * from "lit/directives/style-map.js";
export * from "lit/directives/until.js";
export * from "lit/directives/when.js";
