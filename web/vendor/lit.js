// node_modules/@lit/reactive-element/css-tag.js
var t = globalThis;
var e = t.ShadowRoot && (void 0 === t.ShadyCSS || t.ShadyCSS.nativeShadow) && "adoptedStyleSheets" in Document.prototype && "replace" in CSSStyleSheet.prototype;
var s = /* @__PURE__ */ Symbol();
var o = /* @__PURE__ */ new WeakMap();
var n = class {
  constructor(t7, e11, o13) {
    if (this._$cssResult$ = true, o13 !== s) throw Error("CSSResult is not constructable. Use `unsafeCSS` or `css` instead.");
    this.cssText = t7, this.t = e11;
  }
  get styleSheet() {
    let t7 = this.o;
    const s7 = this.t;
    if (e && void 0 === t7) {
      const e11 = void 0 !== s7 && 1 === s7.length;
      e11 && (t7 = o.get(s7)), void 0 === t7 && ((this.o = t7 = new CSSStyleSheet()).replaceSync(this.cssText), e11 && o.set(s7, t7));
    }
    return t7;
  }
  toString() {
    return this.cssText;
  }
};
var r = (t7) => new n("string" == typeof t7 ? t7 : t7 + "", void 0, s);
var i = (t7, ...e11) => {
  const o13 = 1 === t7.length ? t7[0] : e11.reduce((e12, s7, o14) => e12 + ((t8) => {
    if (true === t8._$cssResult$) return t8.cssText;
    if ("number" == typeof t8) return t8;
    throw Error("Value passed to 'css' function must be a 'css' function result: " + t8 + ". Use 'unsafeCSS' to pass non-literal values, but take care to ensure page security.");
  })(s7) + t7[o14 + 1], t7[0]);
  return new n(o13, t7, s);
};
var S = (s7, o13) => {
  if (e) s7.adoptedStyleSheets = o13.map((t7) => t7 instanceof CSSStyleSheet ? t7 : t7.styleSheet);
  else for (const e11 of o13) {
    const o14 = document.createElement("style"), n13 = t.litNonce;
    void 0 !== n13 && o14.setAttribute("nonce", n13), o14.textContent = e11.cssText, s7.appendChild(o14);
  }
};
var c = e ? (t7) => t7 : (t7) => t7 instanceof CSSStyleSheet ? ((t8) => {
  let e11 = "";
  for (const s7 of t8.cssRules) e11 += s7.cssText;
  return r(e11);
})(t7) : t7;

// node_modules/@lit/reactive-element/reactive-element.js
var { is: i2, defineProperty: e2, getOwnPropertyDescriptor: h, getOwnPropertyNames: r2, getOwnPropertySymbols: o2, getPrototypeOf: n2 } = Object;
var a = globalThis;
var c2 = a.trustedTypes;
var l = c2 ? c2.emptyScript : "";
var p = a.reactiveElementPolyfillSupport;
var d = (t7, s7) => t7;
var u = { toAttribute(t7, s7) {
  switch (s7) {
    case Boolean:
      t7 = t7 ? l : null;
      break;
    case Object:
    case Array:
      t7 = null == t7 ? t7 : JSON.stringify(t7);
  }
  return t7;
}, fromAttribute(t7, s7) {
  let i11 = t7;
  switch (s7) {
    case Boolean:
      i11 = null !== t7;
      break;
    case Number:
      i11 = null === t7 ? null : Number(t7);
      break;
    case Object:
    case Array:
      try {
        i11 = JSON.parse(t7);
      } catch (t8) {
        i11 = null;
      }
  }
  return i11;
} };
var f = (t7, s7) => !i2(t7, s7);
var b = { attribute: true, type: String, converter: u, reflect: false, useDefault: false, hasChanged: f };
Symbol.metadata ??= /* @__PURE__ */ Symbol("metadata"), a.litPropertyMetadata ??= /* @__PURE__ */ new WeakMap();
var y = class extends HTMLElement {
  static addInitializer(t7) {
    this._$Ei(), (this.l ??= []).push(t7);
  }
  static get observedAttributes() {
    return this.finalize(), this._$Eh && [...this._$Eh.keys()];
  }
  static createProperty(t7, s7 = b) {
    if (s7.state && (s7.attribute = false), this._$Ei(), this.prototype.hasOwnProperty(t7) && ((s7 = Object.create(s7)).wrapped = true), this.elementProperties.set(t7, s7), !s7.noAccessor) {
      const i11 = /* @__PURE__ */ Symbol(), h7 = this.getPropertyDescriptor(t7, i11, s7);
      void 0 !== h7 && e2(this.prototype, t7, h7);
    }
  }
  static getPropertyDescriptor(t7, s7, i11) {
    const { get: e11, set: r11 } = h(this.prototype, t7) ?? { get() {
      return this[s7];
    }, set(t8) {
      this[s7] = t8;
    } };
    return { get: e11, set(s8) {
      const h7 = e11?.call(this);
      r11?.call(this, s8), this.requestUpdate(t7, h7, i11);
    }, configurable: true, enumerable: true };
  }
  static getPropertyOptions(t7) {
    return this.elementProperties.get(t7) ?? b;
  }
  static _$Ei() {
    if (this.hasOwnProperty(d("elementProperties"))) return;
    const t7 = n2(this);
    t7.finalize(), void 0 !== t7.l && (this.l = [...t7.l]), this.elementProperties = new Map(t7.elementProperties);
  }
  static finalize() {
    if (this.hasOwnProperty(d("finalized"))) return;
    if (this.finalized = true, this._$Ei(), this.hasOwnProperty(d("properties"))) {
      const t8 = this.properties, s7 = [...r2(t8), ...o2(t8)];
      for (const i11 of s7) this.createProperty(i11, t8[i11]);
    }
    const t7 = this[Symbol.metadata];
    if (null !== t7) {
      const s7 = litPropertyMetadata.get(t7);
      if (void 0 !== s7) for (const [t8, i11] of s7) this.elementProperties.set(t8, i11);
    }
    this._$Eh = /* @__PURE__ */ new Map();
    for (const [t8, s7] of this.elementProperties) {
      const i11 = this._$Eu(t8, s7);
      void 0 !== i11 && this._$Eh.set(i11, t8);
    }
    this.elementStyles = this.finalizeStyles(this.styles);
  }
  static finalizeStyles(s7) {
    const i11 = [];
    if (Array.isArray(s7)) {
      const e11 = new Set(s7.flat(1 / 0).reverse());
      for (const s8 of e11) i11.unshift(c(s8));
    } else void 0 !== s7 && i11.push(c(s7));
    return i11;
  }
  static _$Eu(t7, s7) {
    const i11 = s7.attribute;
    return false === i11 ? void 0 : "string" == typeof i11 ? i11 : "string" == typeof t7 ? t7.toLowerCase() : void 0;
  }
  constructor() {
    super(), this._$Ep = void 0, this.isUpdatePending = false, this.hasUpdated = false, this._$Em = null, this._$Ev();
  }
  _$Ev() {
    this._$ES = new Promise((t7) => this.enableUpdating = t7), this._$AL = /* @__PURE__ */ new Map(), this._$E_(), this.requestUpdate(), this.constructor.l?.forEach((t7) => t7(this));
  }
  addController(t7) {
    (this._$EO ??= /* @__PURE__ */ new Set()).add(t7), void 0 !== this.renderRoot && this.isConnected && t7.hostConnected?.();
  }
  removeController(t7) {
    this._$EO?.delete(t7);
  }
  _$E_() {
    const t7 = /* @__PURE__ */ new Map(), s7 = this.constructor.elementProperties;
    for (const i11 of s7.keys()) this.hasOwnProperty(i11) && (t7.set(i11, this[i11]), delete this[i11]);
    t7.size > 0 && (this._$Ep = t7);
  }
  createRenderRoot() {
    const t7 = this.shadowRoot ?? this.attachShadow(this.constructor.shadowRootOptions);
    return S(t7, this.constructor.elementStyles), t7;
  }
  connectedCallback() {
    this.renderRoot ??= this.createRenderRoot(), this.enableUpdating(true), this._$EO?.forEach((t7) => t7.hostConnected?.());
  }
  enableUpdating(t7) {
  }
  disconnectedCallback() {
    this._$EO?.forEach((t7) => t7.hostDisconnected?.());
  }
  attributeChangedCallback(t7, s7, i11) {
    this._$AK(t7, i11);
  }
  _$ET(t7, s7) {
    const i11 = this.constructor.elementProperties.get(t7), e11 = this.constructor._$Eu(t7, i11);
    if (void 0 !== e11 && true === i11.reflect) {
      const h7 = (void 0 !== i11.converter?.toAttribute ? i11.converter : u).toAttribute(s7, i11.type);
      this._$Em = t7, null == h7 ? this.removeAttribute(e11) : this.setAttribute(e11, h7), this._$Em = null;
    }
  }
  _$AK(t7, s7) {
    const i11 = this.constructor, e11 = i11._$Eh.get(t7);
    if (void 0 !== e11 && this._$Em !== e11) {
      const t8 = i11.getPropertyOptions(e11), h7 = "function" == typeof t8.converter ? { fromAttribute: t8.converter } : void 0 !== t8.converter?.fromAttribute ? t8.converter : u;
      this._$Em = e11;
      const r11 = h7.fromAttribute(s7, t8.type);
      this[e11] = r11 ?? this._$Ej?.get(e11) ?? r11, this._$Em = null;
    }
  }
  requestUpdate(t7, s7, i11, e11 = false, h7) {
    if (void 0 !== t7) {
      const r11 = this.constructor;
      if (false === e11 && (h7 = this[t7]), i11 ??= r11.getPropertyOptions(t7), !((i11.hasChanged ?? f)(h7, s7) || i11.useDefault && i11.reflect && h7 === this._$Ej?.get(t7) && !this.hasAttribute(r11._$Eu(t7, i11)))) return;
      this.C(t7, s7, i11);
    }
    false === this.isUpdatePending && (this._$ES = this._$EP());
  }
  C(t7, s7, { useDefault: i11, reflect: e11, wrapped: h7 }, r11) {
    i11 && !(this._$Ej ??= /* @__PURE__ */ new Map()).has(t7) && (this._$Ej.set(t7, r11 ?? s7 ?? this[t7]), true !== h7 || void 0 !== r11) || (this._$AL.has(t7) || (this.hasUpdated || i11 || (s7 = void 0), this._$AL.set(t7, s7)), true === e11 && this._$Em !== t7 && (this._$Eq ??= /* @__PURE__ */ new Set()).add(t7));
  }
  async _$EP() {
    this.isUpdatePending = true;
    try {
      await this._$ES;
    } catch (t8) {
      Promise.reject(t8);
    }
    const t7 = this.scheduleUpdate();
    return null != t7 && await t7, !this.isUpdatePending;
  }
  scheduleUpdate() {
    return this.performUpdate();
  }
  performUpdate() {
    if (!this.isUpdatePending) return;
    if (!this.hasUpdated) {
      if (this.renderRoot ??= this.createRenderRoot(), this._$Ep) {
        for (const [t9, s8] of this._$Ep) this[t9] = s8;
        this._$Ep = void 0;
      }
      const t8 = this.constructor.elementProperties;
      if (t8.size > 0) for (const [s8, i11] of t8) {
        const { wrapped: t9 } = i11, e11 = this[s8];
        true !== t9 || this._$AL.has(s8) || void 0 === e11 || this.C(s8, void 0, i11, e11);
      }
    }
    let t7 = false;
    const s7 = this._$AL;
    try {
      t7 = this.shouldUpdate(s7), t7 ? (this.willUpdate(s7), this._$EO?.forEach((t8) => t8.hostUpdate?.()), this.update(s7)) : this._$EM();
    } catch (s8) {
      throw t7 = false, this._$EM(), s8;
    }
    t7 && this._$AE(s7);
  }
  willUpdate(t7) {
  }
  _$AE(t7) {
    this._$EO?.forEach((t8) => t8.hostUpdated?.()), this.hasUpdated || (this.hasUpdated = true, this.firstUpdated(t7)), this.updated(t7);
  }
  _$EM() {
    this._$AL = /* @__PURE__ */ new Map(), this.isUpdatePending = false;
  }
  get updateComplete() {
    return this.getUpdateComplete();
  }
  getUpdateComplete() {
    return this._$ES;
  }
  shouldUpdate(t7) {
    return true;
  }
  update(t7) {
    this._$Eq &&= this._$Eq.forEach((t8) => this._$ET(t8, this[t8])), this._$EM();
  }
  updated(t7) {
  }
  firstUpdated(t7) {
  }
};
y.elementStyles = [], y.shadowRootOptions = { mode: "open" }, y[d("elementProperties")] = /* @__PURE__ */ new Map(), y[d("finalized")] = /* @__PURE__ */ new Map(), p?.({ ReactiveElement: y }), (a.reactiveElementVersions ??= []).push("2.1.2");

// node_modules/lit-html/lit-html.js
var t2 = globalThis;
var i3 = (t7) => t7;
var s2 = t2.trustedTypes;
var e3 = s2 ? s2.createPolicy("lit-html", { createHTML: (t7) => t7 }) : void 0;
var h2 = "$lit$";
var o3 = `lit$${Math.random().toFixed(9).slice(2)}$`;
var n3 = "?" + o3;
var r3 = `<${n3}>`;
var l2 = document;
var c3 = () => l2.createComment("");
var a2 = (t7) => null === t7 || "object" != typeof t7 && "function" != typeof t7;
var u2 = Array.isArray;
var d2 = (t7) => u2(t7) || "function" == typeof t7?.[Symbol.iterator];
var f2 = "[ 	\n\f\r]";
var v = /<(?:(!--|\/[^a-zA-Z])|(\/?[a-zA-Z][^>\s]*)|(\/?$))/g;
var _ = /-->/g;
var m = />/g;
var p2 = RegExp(`>|${f2}(?:([^\\s"'>=/]+)(${f2}*=${f2}*(?:[^ 	
\f\r"'\`<>=]|("|')|))|$)`, "g");
var g = /'/g;
var $ = /"/g;
var y2 = /^(?:script|style|textarea|title)$/i;
var x = (t7) => (i11, ...s7) => ({ _$litType$: t7, strings: i11, values: s7 });
var b2 = x(1);
var w = x(2);
var T = x(3);
var E = /* @__PURE__ */ Symbol.for("lit-noChange");
var A = /* @__PURE__ */ Symbol.for("lit-nothing");
var C = /* @__PURE__ */ new WeakMap();
var P = l2.createTreeWalker(l2, 129);
function V(t7, i11) {
  if (!u2(t7) || !t7.hasOwnProperty("raw")) throw Error("invalid template strings array");
  return void 0 !== e3 ? e3.createHTML(i11) : i11;
}
var N = (t7, i11) => {
  const s7 = t7.length - 1, e11 = [];
  let n13, l4 = 2 === i11 ? "<svg>" : 3 === i11 ? "<math>" : "", c7 = v;
  for (let i12 = 0; i12 < s7; i12++) {
    const s8 = t7[i12];
    let a3, u5, d3 = -1, f4 = 0;
    for (; f4 < s8.length && (c7.lastIndex = f4, u5 = c7.exec(s8), null !== u5); ) f4 = c7.lastIndex, c7 === v ? "!--" === u5[1] ? c7 = _ : void 0 !== u5[1] ? c7 = m : void 0 !== u5[2] ? (y2.test(u5[2]) && (n13 = RegExp("</" + u5[2], "g")), c7 = p2) : void 0 !== u5[3] && (c7 = p2) : c7 === p2 ? ">" === u5[0] ? (c7 = n13 ?? v, d3 = -1) : void 0 === u5[1] ? d3 = -2 : (d3 = c7.lastIndex - u5[2].length, a3 = u5[1], c7 = void 0 === u5[3] ? p2 : '"' === u5[3] ? $ : g) : c7 === $ || c7 === g ? c7 = p2 : c7 === _ || c7 === m ? c7 = v : (c7 = p2, n13 = void 0);
    const x2 = c7 === p2 && t7[i12 + 1].startsWith("/>") ? " " : "";
    l4 += c7 === v ? s8 + r3 : d3 >= 0 ? (e11.push(a3), s8.slice(0, d3) + h2 + s8.slice(d3) + o3 + x2) : s8 + o3 + (-2 === d3 ? i12 : x2);
  }
  return [V(t7, l4 + (t7[s7] || "<?>") + (2 === i11 ? "</svg>" : 3 === i11 ? "</math>" : "")), e11];
};
var S2 = class _S {
  constructor({ strings: t7, _$litType$: i11 }, e11) {
    let r11;
    this.parts = [];
    let l4 = 0, a3 = 0;
    const u5 = t7.length - 1, d3 = this.parts, [f4, v3] = N(t7, i11);
    if (this.el = _S.createElement(f4, e11), P.currentNode = this.el.content, 2 === i11 || 3 === i11) {
      const t8 = this.el.content.firstChild;
      t8.replaceWith(...t8.childNodes);
    }
    for (; null !== (r11 = P.nextNode()) && d3.length < u5; ) {
      if (1 === r11.nodeType) {
        if (r11.hasAttributes()) for (const t8 of r11.getAttributeNames()) if (t8.endsWith(h2)) {
          const i12 = v3[a3++], s7 = r11.getAttribute(t8).split(o3), e12 = /([.?@])?(.*)/.exec(i12);
          d3.push({ type: 1, index: l4, name: e12[2], strings: s7, ctor: "." === e12[1] ? I : "?" === e12[1] ? L : "@" === e12[1] ? z : H }), r11.removeAttribute(t8);
        } else t8.startsWith(o3) && (d3.push({ type: 6, index: l4 }), r11.removeAttribute(t8));
        if (y2.test(r11.tagName)) {
          const t8 = r11.textContent.split(o3), i12 = t8.length - 1;
          if (i12 > 0) {
            r11.textContent = s2 ? s2.emptyScript : "";
            for (let s7 = 0; s7 < i12; s7++) r11.append(t8[s7], c3()), P.nextNode(), d3.push({ type: 2, index: ++l4 });
            r11.append(t8[i12], c3());
          }
        }
      } else if (8 === r11.nodeType) if (r11.data === n3) d3.push({ type: 2, index: l4 });
      else {
        let t8 = -1;
        for (; -1 !== (t8 = r11.data.indexOf(o3, t8 + 1)); ) d3.push({ type: 7, index: l4 }), t8 += o3.length - 1;
      }
      l4++;
    }
  }
  static createElement(t7, i11) {
    const s7 = l2.createElement("template");
    return s7.innerHTML = t7, s7;
  }
};
function M(t7, i11, s7 = t7, e11) {
  if (i11 === E) return i11;
  let h7 = void 0 !== e11 ? s7._$Co?.[e11] : s7._$Cl;
  const o13 = a2(i11) ? void 0 : i11._$litDirective$;
  return h7?.constructor !== o13 && (h7?._$AO?.(false), void 0 === o13 ? h7 = void 0 : (h7 = new o13(t7), h7._$AT(t7, s7, e11)), void 0 !== e11 ? (s7._$Co ??= [])[e11] = h7 : s7._$Cl = h7), void 0 !== h7 && (i11 = M(t7, h7._$AS(t7, i11.values), h7, e11)), i11;
}
var R = class {
  constructor(t7, i11) {
    this._$AV = [], this._$AN = void 0, this._$AD = t7, this._$AM = i11;
  }
  get parentNode() {
    return this._$AM.parentNode;
  }
  get _$AU() {
    return this._$AM._$AU;
  }
  u(t7) {
    const { el: { content: i11 }, parts: s7 } = this._$AD, e11 = (t7?.creationScope ?? l2).importNode(i11, true);
    P.currentNode = e11;
    let h7 = P.nextNode(), o13 = 0, n13 = 0, r11 = s7[0];
    for (; void 0 !== r11; ) {
      if (o13 === r11.index) {
        let i12;
        2 === r11.type ? i12 = new k(h7, h7.nextSibling, this, t7) : 1 === r11.type ? i12 = new r11.ctor(h7, r11.name, r11.strings, this, t7) : 6 === r11.type && (i12 = new Z(h7, this, t7)), this._$AV.push(i12), r11 = s7[++n13];
      }
      o13 !== r11?.index && (h7 = P.nextNode(), o13++);
    }
    return P.currentNode = l2, e11;
  }
  p(t7) {
    let i11 = 0;
    for (const s7 of this._$AV) void 0 !== s7 && (void 0 !== s7.strings ? (s7._$AI(t7, s7, i11), i11 += s7.strings.length - 2) : s7._$AI(t7[i11])), i11++;
  }
};
var k = class _k {
  get _$AU() {
    return this._$AM?._$AU ?? this._$Cv;
  }
  constructor(t7, i11, s7, e11) {
    this.type = 2, this._$AH = A, this._$AN = void 0, this._$AA = t7, this._$AB = i11, this._$AM = s7, this.options = e11, this._$Cv = e11?.isConnected ?? true;
  }
  get parentNode() {
    let t7 = this._$AA.parentNode;
    const i11 = this._$AM;
    return void 0 !== i11 && 11 === t7?.nodeType && (t7 = i11.parentNode), t7;
  }
  get startNode() {
    return this._$AA;
  }
  get endNode() {
    return this._$AB;
  }
  _$AI(t7, i11 = this) {
    t7 = M(this, t7, i11), a2(t7) ? t7 === A || null == t7 || "" === t7 ? (this._$AH !== A && this._$AR(), this._$AH = A) : t7 !== this._$AH && t7 !== E && this._(t7) : void 0 !== t7._$litType$ ? this.$(t7) : void 0 !== t7.nodeType ? this.T(t7) : d2(t7) ? this.k(t7) : this._(t7);
  }
  O(t7) {
    return this._$AA.parentNode.insertBefore(t7, this._$AB);
  }
  T(t7) {
    this._$AH !== t7 && (this._$AR(), this._$AH = this.O(t7));
  }
  _(t7) {
    this._$AH !== A && a2(this._$AH) ? this._$AA.nextSibling.data = t7 : this.T(l2.createTextNode(t7)), this._$AH = t7;
  }
  $(t7) {
    const { values: i11, _$litType$: s7 } = t7, e11 = "number" == typeof s7 ? this._$AC(t7) : (void 0 === s7.el && (s7.el = S2.createElement(V(s7.h, s7.h[0]), this.options)), s7);
    if (this._$AH?._$AD === e11) this._$AH.p(i11);
    else {
      const t8 = new R(e11, this), s8 = t8.u(this.options);
      t8.p(i11), this.T(s8), this._$AH = t8;
    }
  }
  _$AC(t7) {
    let i11 = C.get(t7.strings);
    return void 0 === i11 && C.set(t7.strings, i11 = new S2(t7)), i11;
  }
  k(t7) {
    u2(this._$AH) || (this._$AH = [], this._$AR());
    const i11 = this._$AH;
    let s7, e11 = 0;
    for (const h7 of t7) e11 === i11.length ? i11.push(s7 = new _k(this.O(c3()), this.O(c3()), this, this.options)) : s7 = i11[e11], s7._$AI(h7), e11++;
    e11 < i11.length && (this._$AR(s7 && s7._$AB.nextSibling, e11), i11.length = e11);
  }
  _$AR(t7 = this._$AA.nextSibling, s7) {
    for (this._$AP?.(false, true, s7); t7 !== this._$AB; ) {
      const s8 = i3(t7).nextSibling;
      i3(t7).remove(), t7 = s8;
    }
  }
  setConnected(t7) {
    void 0 === this._$AM && (this._$Cv = t7, this._$AP?.(t7));
  }
};
var H = class {
  get tagName() {
    return this.element.tagName;
  }
  get _$AU() {
    return this._$AM._$AU;
  }
  constructor(t7, i11, s7, e11, h7) {
    this.type = 1, this._$AH = A, this._$AN = void 0, this.element = t7, this.name = i11, this._$AM = e11, this.options = h7, s7.length > 2 || "" !== s7[0] || "" !== s7[1] ? (this._$AH = Array(s7.length - 1).fill(new String()), this.strings = s7) : this._$AH = A;
  }
  _$AI(t7, i11 = this, s7, e11) {
    const h7 = this.strings;
    let o13 = false;
    if (void 0 === h7) t7 = M(this, t7, i11, 0), o13 = !a2(t7) || t7 !== this._$AH && t7 !== E, o13 && (this._$AH = t7);
    else {
      const e12 = t7;
      let n13, r11;
      for (t7 = h7[0], n13 = 0; n13 < h7.length - 1; n13++) r11 = M(this, e12[s7 + n13], i11, n13), r11 === E && (r11 = this._$AH[n13]), o13 ||= !a2(r11) || r11 !== this._$AH[n13], r11 === A ? t7 = A : t7 !== A && (t7 += (r11 ?? "") + h7[n13 + 1]), this._$AH[n13] = r11;
    }
    o13 && !e11 && this.j(t7);
  }
  j(t7) {
    t7 === A ? this.element.removeAttribute(this.name) : this.element.setAttribute(this.name, t7 ?? "");
  }
};
var I = class extends H {
  constructor() {
    super(...arguments), this.type = 3;
  }
  j(t7) {
    this.element[this.name] = t7 === A ? void 0 : t7;
  }
};
var L = class extends H {
  constructor() {
    super(...arguments), this.type = 4;
  }
  j(t7) {
    this.element.toggleAttribute(this.name, !!t7 && t7 !== A);
  }
};
var z = class extends H {
  constructor(t7, i11, s7, e11, h7) {
    super(t7, i11, s7, e11, h7), this.type = 5;
  }
  _$AI(t7, i11 = this) {
    if ((t7 = M(this, t7, i11, 0) ?? A) === E) return;
    const s7 = this._$AH, e11 = t7 === A && s7 !== A || t7.capture !== s7.capture || t7.once !== s7.once || t7.passive !== s7.passive, h7 = t7 !== A && (s7 === A || e11);
    e11 && this.element.removeEventListener(this.name, this, s7), h7 && this.element.addEventListener(this.name, this, t7), this._$AH = t7;
  }
  handleEvent(t7) {
    "function" == typeof this._$AH ? this._$AH.call(this.options?.host ?? this.element, t7) : this._$AH.handleEvent(t7);
  }
};
var Z = class {
  constructor(t7, i11, s7) {
    this.element = t7, this.type = 6, this._$AN = void 0, this._$AM = i11, this.options = s7;
  }
  get _$AU() {
    return this._$AM._$AU;
  }
  _$AI(t7) {
    M(this, t7);
  }
};
var j = { M: h2, P: o3, A: n3, C: 1, L: N, R, D: d2, V: M, I: k, H, N: L, U: z, B: I, F: Z };
var B = t2.litHtmlPolyfillSupport;
B?.(S2, k), (t2.litHtmlVersions ??= []).push("3.3.3");
var D = (t7, i11, s7) => {
  const e11 = s7?.renderBefore ?? i11;
  let h7 = e11._$litPart$;
  if (void 0 === h7) {
    const t8 = s7?.renderBefore ?? null;
    e11._$litPart$ = h7 = new k(i11.insertBefore(c3(), t8), t8, void 0, s7 ?? {});
  }
  return h7._$AI(t7), h7;
};

// node_modules/lit-element/lit-element.js
var s3 = globalThis;
var i4 = class extends y {
  constructor() {
    super(...arguments), this.renderOptions = { host: this }, this._$Do = void 0;
  }
  createRenderRoot() {
    const t7 = super.createRenderRoot();
    return this.renderOptions.renderBefore ??= t7.firstChild, t7;
  }
  update(t7) {
    const r11 = this.render();
    this.hasUpdated || (this.renderOptions.isConnected = this.isConnected), super.update(t7), this._$Do = D(r11, this.renderRoot, this.renderOptions);
  }
  connectedCallback() {
    super.connectedCallback(), this._$Do?.setConnected(true);
  }
  disconnectedCallback() {
    super.disconnectedCallback(), this._$Do?.setConnected(false);
  }
  render() {
    return E;
  }
};
i4._$litElement$ = true, i4["finalized"] = true, s3.litElementHydrateSupport?.({ LitElement: i4 });
var o4 = s3.litElementPolyfillSupport;
o4?.({ LitElement: i4 });
var n4 = { _$AK: (t7, e11, r11) => {
  t7._$AK(e11, r11);
}, _$AL: (t7) => t7._$AL };
(s3.litElementVersions ??= []).push("4.2.2");

// node_modules/lit-html/is-server.js
var o5 = false;

// node_modules/@lit/reactive-element/decorators/custom-element.js
var t3 = (t7) => (e11, o13) => {
  void 0 !== o13 ? o13.addInitializer(() => {
    customElements.define(t7, e11);
  }) : customElements.define(t7, e11);
};

// node_modules/@lit/reactive-element/decorators/property.js
var o6 = { attribute: true, type: String, converter: u, reflect: false, hasChanged: f };
var r4 = (t7 = o6, e11, r11) => {
  const { kind: n13, metadata: i11 } = r11;
  let s7 = globalThis.litPropertyMetadata.get(i11);
  if (void 0 === s7 && globalThis.litPropertyMetadata.set(i11, s7 = /* @__PURE__ */ new Map()), "setter" === n13 && ((t7 = Object.create(t7)).wrapped = true), s7.set(r11.name, t7), "accessor" === n13) {
    const { name: o13 } = r11;
    return { set(r12) {
      const n14 = e11.get.call(this);
      e11.set.call(this, r12), this.requestUpdate(o13, n14, t7, true, r12);
    }, init(e12) {
      return void 0 !== e12 && this.C(o13, void 0, t7, e12), e12;
    } };
  }
  if ("setter" === n13) {
    const { name: o13 } = r11;
    return function(r12) {
      const n14 = this[o13];
      e11.call(this, r12), this.requestUpdate(o13, n14, t7, true, r12);
    };
  }
  throw Error("Unsupported decorator location: " + n13);
};
function n5(t7) {
  return (e11, o13) => "object" == typeof o13 ? r4(t7, e11, o13) : ((t8, e12, o14) => {
    const r11 = e12.hasOwnProperty(o14);
    return e12.constructor.createProperty(o14, t8), r11 ? Object.getOwnPropertyDescriptor(e12, o14) : void 0;
  })(t7, e11, o13);
}

// node_modules/@lit/reactive-element/decorators/state.js
function r5(r11) {
  return n5({ ...r11, state: true, attribute: false });
}

// node_modules/@lit/reactive-element/decorators/event-options.js
function t4(t7) {
  return (n13, o13) => {
    const c7 = "function" == typeof n13 ? n13 : n13[o13];
    Object.assign(c7, t7);
  };
}

// node_modules/@lit/reactive-element/decorators/base.js
var e4 = (e11, t7, c7) => (c7.configurable = true, c7.enumerable = true, Reflect.decorate && "object" != typeof t7 && Object.defineProperty(e11, t7, c7), c7);

// node_modules/@lit/reactive-element/decorators/query.js
function e5(e11, r11) {
  return (n13, s7, i11) => {
    const o13 = (t7) => t7.renderRoot?.querySelector(e11) ?? null;
    if (r11) {
      const { get: e12, set: r12 } = "object" == typeof s7 ? n13 : i11 ?? /* @__PURE__ */ (() => {
        const t7 = /* @__PURE__ */ Symbol();
        return { get() {
          return this[t7];
        }, set(e13) {
          this[t7] = e13;
        } };
      })();
      return e4(n13, s7, { get() {
        let t7 = e12.call(this);
        return void 0 === t7 && (t7 = o13(this), (null !== t7 || this.hasUpdated) && r12.call(this, t7)), t7;
      } });
    }
    return e4(n13, s7, { get() {
      return o13(this);
    } });
  };
}

// node_modules/@lit/reactive-element/decorators/query-all.js
var e6;
function r6(r11) {
  return (n13, o13) => e4(n13, o13, { get() {
    return (this.renderRoot ?? (e6 ??= document.createDocumentFragment())).querySelectorAll(r11);
  } });
}

// node_modules/@lit/reactive-element/decorators/query-async.js
function r7(r11) {
  return (n13, e11) => e4(n13, e11, { async get() {
    return await this.updateComplete, this.renderRoot?.querySelector(r11) ?? null;
  } });
}

// node_modules/@lit/reactive-element/decorators/query-assigned-elements.js
function o7(o13) {
  return (e11, n13) => {
    const { slot: r11, selector: s7 } = o13 ?? {}, c7 = "slot" + (r11 ? `[name=${r11}]` : ":not([name])");
    return e4(e11, n13, { get() {
      const t7 = this.renderRoot?.querySelector(c7), e12 = t7?.assignedElements(o13) ?? [];
      return void 0 === s7 ? e12 : e12.filter((t8) => t8.matches(s7));
    } });
  };
}

// node_modules/@lit/reactive-element/decorators/query-assigned-nodes.js
function n6(n13) {
  return (o13, r11) => {
    const { slot: e11 } = n13 ?? {}, s7 = "slot" + (e11 ? `[name=${e11}]` : ":not([name])");
    return e4(o13, r11, { get() {
      const t7 = this.renderRoot?.querySelector(s7);
      return t7?.assignedNodes(n13) ?? [];
    } });
  };
}

// node_modules/lit-html/directive.js
var t5 = { ATTRIBUTE: 1, CHILD: 2, PROPERTY: 3, BOOLEAN_ATTRIBUTE: 4, EVENT: 5, ELEMENT: 6 };
var e7 = (t7) => (...e11) => ({ _$litDirective$: t7, values: e11 });
var i5 = class {
  constructor(t7) {
  }
  get _$AU() {
    return this._$AM._$AU;
  }
  _$AT(t7, e11, i11) {
    this._$Ct = t7, this._$AM = e11, this._$Ci = i11;
  }
  _$AS(t7, e11) {
    return this.update(t7, e11);
  }
  update(t7, e11) {
    return this.render(...e11);
  }
};

// node_modules/lit-html/directives/choose.js
var r8 = (r11, o13, t7) => {
  for (const t8 of o13) if (t8[0] === r11) return (0, t8[1])();
  return t7?.();
};

// node_modules/lit-html/directives/class-map.js
var e8 = e7(class extends i5 {
  constructor(t7) {
    if (super(t7), t7.type !== t5.ATTRIBUTE || "class" !== t7.name || t7.strings?.length > 2) throw Error("`classMap()` can only be used in the `class` attribute and must be the only part in the attribute.");
  }
  render(t7) {
    return " " + Object.keys(t7).filter((s7) => t7[s7]).join(" ") + " ";
  }
  update(s7, [i11]) {
    if (void 0 === this.st) {
      this.st = /* @__PURE__ */ new Set(), void 0 !== s7.strings && (this.nt = new Set(s7.strings.join(" ").split(/\s/).filter((t7) => "" !== t7)));
      for (const t7 in i11) i11[t7] && !this.nt?.has(t7) && this.st.add(t7);
      return this.render(i11);
    }
    const r11 = s7.element.classList;
    for (const t7 of this.st) t7 in i11 || (r11.remove(t7), this.st.delete(t7));
    for (const t7 in i11) {
      const s8 = !!i11[t7];
      s8 === this.st.has(t7) || this.nt?.has(t7) || (s8 ? (r11.add(t7), this.st.add(t7)) : (r11.remove(t7), this.st.delete(t7)));
    }
    return E;
  }
});

// node_modules/lit-html/directives/guard.js
var e9 = {};
var i6 = e7(class extends i5 {
  constructor() {
    super(...arguments), this.ot = e9;
  }
  render(r11, t7) {
    return t7();
  }
  update(t7, [s7, e11]) {
    if (Array.isArray(s7)) {
      if (Array.isArray(this.ot) && this.ot.length === s7.length && s7.every((r11, t8) => r11 === this.ot[t8])) return E;
    } else if (this.ot === s7) return E;
    return this.ot = Array.isArray(s7) ? Array.from(s7) : s7, this.render(s7, e11);
  }
});

// node_modules/lit-html/directives/if-defined.js
var o8 = (o13) => o13 ?? A;

// node_modules/lit-html/directive-helpers.js
var { I: t6 } = j;
var i7 = (o13) => o13;
var n7 = (o13) => null === o13 || "object" != typeof o13 && "function" != typeof o13;
var r9 = (o13) => void 0 === o13.strings;
var s4 = () => document.createComment("");
var v2 = (o13, n13, e11) => {
  const l4 = o13._$AA.parentNode, d3 = void 0 === n13 ? o13._$AB : n13._$AA;
  if (void 0 === e11) {
    const i11 = l4.insertBefore(s4(), d3), n14 = l4.insertBefore(s4(), d3);
    e11 = new t6(i11, n14, o13, o13.options);
  } else {
    const t7 = e11._$AB.nextSibling, n14 = e11._$AM, c7 = n14 !== o13;
    if (c7) {
      let t8;
      e11._$AQ?.(o13), e11._$AM = o13, void 0 !== e11._$AP && (t8 = o13._$AU) !== n14._$AU && e11._$AP(t8);
    }
    if (t7 !== d3 || c7) {
      let o14 = e11._$AA;
      for (; o14 !== t7; ) {
        const t8 = i7(o14).nextSibling;
        i7(l4).insertBefore(o14, d3), o14 = t8;
      }
    }
  }
  return e11;
};
var u3 = (o13, t7, i11 = o13) => (o13._$AI(t7, i11), o13);
var m2 = {};
var p3 = (o13, t7 = m2) => o13._$AH = t7;
var M2 = (o13) => o13._$AH;
var h3 = (o13) => {
  o13._$AR(), o13._$AA.remove();
};

// node_modules/lit-html/directives/keyed.js
var i8 = e7(class extends i5 {
  constructor() {
    super(...arguments), this.key = A;
  }
  render(r11, t7) {
    return this.key = r11, t7;
  }
  update(r11, [t7, e11]) {
    return t7 !== this.key && (p3(r11), this.key = t7), e11;
  }
});

// node_modules/lit-html/directives/live.js
var l3 = e7(class extends i5 {
  constructor(r11) {
    if (super(r11), r11.type !== t5.PROPERTY && r11.type !== t5.ATTRIBUTE && r11.type !== t5.BOOLEAN_ATTRIBUTE) throw Error("The `live` directive is not allowed on child or event bindings");
    if (!r9(r11)) throw Error("`live` bindings can only contain a single expression");
  }
  render(r11) {
    return r11;
  }
  update(i11, [t7]) {
    if (t7 === E || t7 === A) return t7;
    const o13 = i11.element, l4 = i11.name;
    if (i11.type === t5.PROPERTY) {
      if (t7 === o13[l4]) return E;
    } else if (i11.type === t5.BOOLEAN_ATTRIBUTE) {
      if (!!t7 === o13.hasAttribute(l4)) return E;
    } else if (i11.type === t5.ATTRIBUTE && o13.getAttribute(l4) === t7 + "") return E;
    return p3(i11), t7;
  }
});

// node_modules/lit-html/directives/map.js
function* o9(o13, f4) {
  if (void 0 !== o13) {
    let i11 = 0;
    for (const t7 of o13) yield f4(t7, i11++);
  }
}

// node_modules/lit-html/async-directive.js
var s5 = (i11, t7) => {
  const e11 = i11._$AN;
  if (void 0 === e11) return false;
  for (const i12 of e11) i12._$AO?.(t7, false), s5(i12, t7);
  return true;
};
var o10 = (i11) => {
  let t7, e11;
  do {
    if (void 0 === (t7 = i11._$AM)) break;
    e11 = t7._$AN, e11.delete(i11), i11 = t7;
  } while (0 === e11?.size);
};
var r10 = (i11) => {
  for (let t7; t7 = i11._$AM; i11 = t7) {
    let e11 = t7._$AN;
    if (void 0 === e11) t7._$AN = e11 = /* @__PURE__ */ new Set();
    else if (e11.has(i11)) break;
    e11.add(i11), c4(t7);
  }
};
function h4(i11) {
  void 0 !== this._$AN ? (o10(this), this._$AM = i11, r10(this)) : this._$AM = i11;
}
function n8(i11, t7 = false, e11 = 0) {
  const r11 = this._$AH, h7 = this._$AN;
  if (void 0 !== h7 && 0 !== h7.size) if (t7) if (Array.isArray(r11)) for (let i12 = e11; i12 < r11.length; i12++) s5(r11[i12], false), o10(r11[i12]);
  else null != r11 && (s5(r11, false), o10(r11));
  else s5(this, i11);
}
var c4 = (i11) => {
  i11.type == t5.CHILD && (i11._$AP ??= n8, i11._$AQ ??= h4);
};
var f3 = class extends i5 {
  constructor() {
    super(...arguments), this._$AN = void 0;
  }
  _$AT(i11, t7, e11) {
    super._$AT(i11, t7, e11), r10(this), this.isConnected = i11._$AU;
  }
  _$AO(i11, t7 = true) {
    i11 !== this.isConnected && (this.isConnected = i11, i11 ? this.reconnected?.() : this.disconnected?.()), t7 && (s5(this, i11), o10(this));
  }
  setValue(t7) {
    if (r9(this._$Ct)) this._$Ct._$AI(t7, this);
    else {
      const i11 = [...this._$Ct._$AH];
      i11[this._$Ci] = t7, this._$Ct._$AI(i11, this, 0);
    }
  }
  disconnected() {
  }
  reconnected() {
  }
};

// node_modules/lit-html/directives/ref.js
var e10 = () => new h5();
var h5 = class {
};
var o11 = /* @__PURE__ */ new WeakMap();
var n9 = e7(class extends f3 {
  render(i11) {
    return A;
  }
  update(i11, [s7]) {
    const e11 = s7 !== this.G;
    return e11 && this.rt(void 0), (e11 || this.lt !== this.ct) && (this.G = s7, this.ht = i11.options?.host, this.rt(this.ct = i11.element)), A;
  }
  rt(t7) {
    if (void 0 !== this.G) if (this.isConnected || (t7 = void 0), "function" == typeof this.G) {
      const i11 = this.ht ?? globalThis;
      let s7 = o11.get(i11);
      void 0 === s7 && (s7 = /* @__PURE__ */ new WeakMap(), o11.set(i11, s7)), void 0 !== s7.get(this.G) && this.G.call(this.ht, void 0), s7.set(this.G, t7), void 0 !== t7 && this.G.call(this.ht, t7);
    } else this.G.value = t7;
  }
  get lt() {
    return "function" == typeof this.G ? o11.get(this.ht ?? globalThis)?.get(this.G) : this.G?.value;
  }
  disconnected() {
    this.lt === this.ct && this.rt(void 0);
  }
  reconnected() {
    this.rt(this.ct);
  }
});

// node_modules/lit-html/directives/repeat.js
var u4 = (e11, s7, t7) => {
  const r11 = /* @__PURE__ */ new Map();
  for (let l4 = s7; l4 <= t7; l4++) r11.set(e11[l4], l4);
  return r11;
};
var c5 = e7(class extends i5 {
  constructor(e11) {
    if (super(e11), e11.type !== t5.CHILD) throw Error("repeat() can only be used in text expressions");
  }
  dt(e11, s7, t7) {
    let r11;
    void 0 === t7 ? t7 = s7 : void 0 !== s7 && (r11 = s7);
    const l4 = [], o13 = [];
    let i11 = 0;
    for (const s8 of e11) l4[i11] = r11 ? r11(s8, i11) : i11, o13[i11] = t7(s8, i11), i11++;
    return { values: o13, keys: l4 };
  }
  render(e11, s7, t7) {
    return this.dt(e11, s7, t7).values;
  }
  update(s7, [t7, r11, c7]) {
    const d3 = M2(s7), { values: p4, keys: a3 } = this.dt(t7, r11, c7);
    if (!Array.isArray(d3)) return this.ut = a3, p4;
    const h7 = this.ut ??= [], v3 = [];
    let m4, y3, x2 = 0, j2 = d3.length - 1, k2 = 0, w2 = p4.length - 1;
    for (; x2 <= j2 && k2 <= w2; ) if (null === d3[x2]) x2++;
    else if (null === d3[j2]) j2--;
    else if (h7[x2] === a3[k2]) v3[k2] = u3(d3[x2], p4[k2]), x2++, k2++;
    else if (h7[j2] === a3[w2]) v3[w2] = u3(d3[j2], p4[w2]), j2--, w2--;
    else if (h7[x2] === a3[w2]) v3[w2] = u3(d3[x2], p4[w2]), v2(s7, v3[w2 + 1], d3[x2]), x2++, w2--;
    else if (h7[j2] === a3[k2]) v3[k2] = u3(d3[j2], p4[k2]), v2(s7, d3[x2], d3[j2]), j2--, k2++;
    else if (void 0 === m4 && (m4 = u4(a3, k2, w2), y3 = u4(h7, x2, j2)), m4.has(h7[x2])) if (m4.has(h7[j2])) {
      const e11 = y3.get(a3[k2]), t8 = void 0 !== e11 ? d3[e11] : null;
      if (null === t8) {
        const e12 = v2(s7, d3[x2]);
        u3(e12, p4[k2]), v3[k2] = e12;
      } else v3[k2] = u3(t8, p4[k2]), v2(s7, d3[x2], t8), d3[e11] = null;
      k2++;
    } else h3(d3[j2]), j2--;
    else h3(d3[x2]), x2++;
    for (; k2 <= w2; ) {
      const e11 = v2(s7, v3[w2 + 1]);
      u3(e11, p4[k2]), v3[k2++] = e11;
    }
    for (; x2 <= j2; ) {
      const e11 = d3[x2++];
      null !== e11 && h3(e11);
    }
    return this.ut = a3, p3(s7, v3), E;
  }
});

// node_modules/lit-html/directives/style-map.js
var n10 = "important";
var i9 = " !" + n10;
var o12 = e7(class extends i5 {
  constructor(t7) {
    if (super(t7), t7.type !== t5.ATTRIBUTE || "style" !== t7.name || t7.strings?.length > 2) throw Error("The `styleMap` directive must be used in the `style` attribute and must be the only part in the attribute.");
  }
  render(t7) {
    return Object.keys(t7).reduce((e11, r11) => {
      const s7 = t7[r11];
      return null == s7 ? e11 : e11 + `${r11 = r11.includes("-") ? r11 : r11.replace(/(?:^(webkit|moz|ms|o)|)(?=[A-Z])/g, "-$&").toLowerCase()}:${s7};`;
    }, "");
  }
  update(e11, [r11]) {
    const { style: s7 } = e11.element;
    if (void 0 === this.ft) return this.ft = new Set(Object.keys(r11)), this.render(r11);
    for (const t7 of this.ft) null == r11[t7] && (this.ft.delete(t7), t7.includes("-") ? s7.removeProperty(t7) : s7[t7] = null);
    for (const t7 in r11) {
      const e12 = r11[t7];
      if (null != e12) {
        this.ft.add(t7);
        const r12 = "string" == typeof e12 && e12.endsWith(i9);
        t7.includes("-") || r12 ? s7.setProperty(t7, r12 ? e12.slice(0, -11) : e12, r12 ? n10 : "") : s7[t7] = e12;
      }
    }
    return E;
  }
});

// node_modules/lit-html/directives/private-async-helpers.js
var s6 = class {
  constructor(t7) {
    this.G = t7;
  }
  disconnect() {
    this.G = void 0;
  }
  reconnect(t7) {
    this.G = t7;
  }
  deref() {
    return this.G;
  }
};
var i10 = class {
  constructor() {
    this.Y = void 0, this.Z = void 0;
  }
  get() {
    return this.Y;
  }
  pause() {
    this.Y ??= new Promise((t7) => this.Z = t7);
  }
  resume() {
    this.Z?.(), this.Y = this.Z = void 0;
  }
};

// node_modules/lit-html/directives/until.js
var n11 = (t7) => !n7(t7) && "function" == typeof t7.then;
var h6 = 1073741823;
var c6 = class extends f3 {
  constructor() {
    super(...arguments), this._$Cwt = h6, this._$Cbt = [], this._$CK = new s6(this), this._$CX = new i10();
  }
  render(...s7) {
    return s7.find((t7) => !n11(t7)) ?? E;
  }
  update(s7, i11) {
    const e11 = this._$Cbt;
    let r11 = e11.length;
    this._$Cbt = i11;
    const o13 = this._$CK, c7 = this._$CX;
    this.isConnected || this.disconnected();
    for (let t7 = 0; t7 < i11.length && !(t7 > this._$Cwt); t7++) {
      const s8 = i11[t7];
      if (!n11(s8)) return this._$Cwt = t7, s8;
      t7 < r11 && s8 === e11[t7] || (this._$Cwt = h6, r11 = 0, Promise.resolve(s8).then(async (t8) => {
        for (; c7.get(); ) await c7.get();
        const i12 = o13.deref();
        if (void 0 !== i12) {
          const e12 = i12._$Cbt.indexOf(s8);
          e12 > -1 && e12 < i12._$Cwt && (i12._$Cwt = e12, i12.setValue(t8));
        }
      }));
    }
    return E;
  }
  disconnected() {
    this._$CK.disconnect(), this._$CX.pause();
  }
  reconnected() {
    this._$CK.reconnect(this), this._$CX.resume();
  }
};
var m3 = e7(c6);

// node_modules/lit-html/directives/when.js
function n12(n13, r11, t7) {
  return n13 ? r11(n13) : t7?.(n13);
}
export {
  n as CSSResult,
  i5 as Directive,
  i4 as LitElement,
  t5 as PartType,
  y as ReactiveElement,
  c6 as UntilDirective,
  n4 as _$LE,
  j as _$LH,
  S as adoptStyles,
  r8 as choose,
  e8 as classMap,
  e10 as createRef,
  i as css,
  t3 as customElement,
  u as defaultConverter,
  e7 as directive,
  t4 as eventOptions,
  c as getCompatibleStyle,
  i6 as guard,
  b2 as html,
  o8 as ifDefined,
  o5 as isServer,
  i8 as keyed,
  l3 as live,
  o9 as map,
  T as mathml,
  E as noChange,
  f as notEqual,
  A as nothing,
  n5 as property,
  e5 as query,
  r6 as queryAll,
  o7 as queryAssignedElements,
  n6 as queryAssignedNodes,
  r7 as queryAsync,
  n9 as ref,
  D as render,
  c5 as repeat,
  r4 as standardProperty,
  r5 as state,
  o12 as styleMap,
  e as supportsAdoptingStyleSheets,
  w as svg,
  r as unsafeCSS,
  m3 as until,
  n12 as when
};
/*! Bundled license information:

@lit/reactive-element/css-tag.js:
  (**
   * @license
   * Copyright 2019 Google LLC
   * SPDX-License-Identifier: BSD-3-Clause
   *)

@lit/reactive-element/reactive-element.js:
lit-html/lit-html.js:
lit-element/lit-element.js:
@lit/reactive-element/decorators/custom-element.js:
@lit/reactive-element/decorators/property.js:
@lit/reactive-element/decorators/state.js:
@lit/reactive-element/decorators/event-options.js:
@lit/reactive-element/decorators/base.js:
@lit/reactive-element/decorators/query.js:
@lit/reactive-element/decorators/query-all.js:
@lit/reactive-element/decorators/query-async.js:
@lit/reactive-element/decorators/query-assigned-nodes.js:
lit-html/directive.js:
lit-html/async-directive.js:
lit-html/directives/repeat.js:
lit-html/directives/until.js:
  (**
   * @license
   * Copyright 2017 Google LLC
   * SPDX-License-Identifier: BSD-3-Clause
   *)

lit-html/is-server.js:
  (**
   * @license
   * Copyright 2022 Google LLC
   * SPDX-License-Identifier: BSD-3-Clause
   *)

@lit/reactive-element/decorators/query-assigned-elements.js:
lit-html/directives/choose.js:
lit-html/directives/keyed.js:
lit-html/directives/map.js:
lit-html/directives/private-async-helpers.js:
lit-html/directives/when.js:
  (**
   * @license
   * Copyright 2021 Google LLC
   * SPDX-License-Identifier: BSD-3-Clause
   *)

lit-html/directives/class-map.js:
lit-html/directives/guard.js:
lit-html/directives/if-defined.js:
lit-html/directives/style-map.js:
  (**
   * @license
   * Copyright 2018 Google LLC
   * SPDX-License-Identifier: BSD-3-Clause
   *)

lit-html/directive-helpers.js:
lit-html/directives/live.js:
lit-html/directives/ref.js:
  (**
   * @license
   * Copyright 2020 Google LLC
   * SPDX-License-Identifier: BSD-3-Clause
   *)
*/
