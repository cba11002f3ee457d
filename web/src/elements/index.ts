// What platforms load as /elements.js: two elements for their own pages.

export { WalletRequest } from "./wallet-request";
export { HintWhy } from "./hint-why";
export { takeFragment } from "./digital";
export { encode as qrModules } from "./qr";
