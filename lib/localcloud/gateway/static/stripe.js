/* The local Stripe.js: window.Stripe for a frontend behind the gateway, which puts this script first
   into every page. The loader of @stripe/stripe-js takes the Stripe that it finds and loads nothing.
   It mounts embedded Checkout (docs.stripe.com/js/embedded_checkout); sentences are Stripe's own where
   they are known. Everything else of Stripe.js is refused by name. */
"use strict";
(() => {
  const script = document.currentScript;
  const { address, train } = script.dataset;
  const { origin } = new URL(address);
  // React compares the head with what it rendered; nothing of ours may be there.
  script.remove();

  class IntegrationError extends Error {
    constructor(sentence) {
      super(sentence);
      this.name = "IntegrationError";
    }
  }

  const GONE =
    "This Embedded Checkout instance has been destroyed and can't be used anymore. Please create a new one.";
  const OPTIONS = ["clientSecret", "fetchClientSecret", "onComplete"];
  // What Stripe.js answers at once; all else returns a promise.
  const IMMEDIATE = ["elements", "paymentRequest", "initCheckoutElementsSdk", "initCheckoutFormSdk"];
  const NOT_BUILT = `
    collectBankAccountForPayment collectBankAccountForSetup collectBankAccountToken
    collectFinancialConnectionsAccounts confirmAcssDebitPayment confirmAcssDebitSetup confirmAffirmPayment
    confirmAfterpayClearpayPayment confirmAlipayPayment confirmAmazonPaySetup confirmAuBecsDebitPayment
    confirmAuBecsDebitSetup confirmBacsDebitSetup confirmBancontactPayment confirmBancontactSetup
    confirmBilliePayment confirmBlikPayment confirmBlikSetup confirmBoletoPayment confirmCardPayment
    confirmCardSetup confirmCashappPayment confirmCashappSetup confirmCustomerBalancePayment confirmEpsPayment
    confirmFpxPayment confirmGiropayPayment confirmGrabPayPayment confirmIdealPayment confirmIdealSetup
    confirmKlarnaPayment confirmKonbiniPayment confirmMobilepayPayment confirmMultibancoPayment
    confirmOxxoPayment confirmPayByBankPayment confirmPayNowPayment confirmPayPalPayment confirmPayPalSetup
    confirmPayment confirmPixPayment confirmPromptPayPayment confirmSepaDebitPayment confirmSepaDebitSetup
    confirmSetup confirmSofortPayment confirmSofortSetup confirmTwintPayment confirmUsBankAccountPayment
    confirmUsBankAccountSetup confirmWechatPayPayment createConfirmationToken createEphemeralKeyNonce
    createPaymentMethod createRadarSession createSource createToken elements handleCardAction handleNextAction
    initCheckout initCheckoutElementsSdk initCheckoutFormSdk initializePricing paymentRequest processOrder
    redirectToCheckout retrieveOrder retrievePaymentIntent retrieveSetupIntent retrieveSource verifyIdentity
    verifyMicrodepositsForPayment verifyMicrodepositsForSetup`.trim().split(/\s+/);

  function checkKey(key) {
    if (key === "") {
      throw new IntegrationError("Please call Stripe() with your publishable key. You used an empty string.");
    }
    if (key === undefined || key === null) {
      throw new IntegrationError("Missing value for Stripe(): apiKey should be a string.");
    }
    if (typeof key !== "string") {
      throw new IntegrationError(`Invalid value for Stripe(): apiKey should be a string. You specified: ${key}.`);
    }
    if (/^[sr]k_/.test(key)) {
      throw new IntegrationError(
        "You should not use your secret key with Stripe.js.\n        Please pass a publishable key instead.",
      );
    }
    if (!/^pk_test_./.test(key)) {
      throw new IntegrationError(
        `The local Stripe.js takes publishable keys of test mode (pk_test_…, any), not ${key.slice(0, 8)}…`,
      );
    }
  }

  function checkOptions(options) {
    const given = Object.keys(options ?? {}).filter((name) => options[name] != null);
    const foreign = given.filter((name) => !OPTIONS.includes(name));
    if (foreign.length) {
      throw new IntegrationError(
        `The local Stripe.js has not built ${foreign.join(", ")} of embedded Checkout; it takes ${OPTIONS.join(", ")}.`,
      );
    }
    if (!given.includes("clientSecret") && !given.includes("fetchClientSecret")) {
      throw new IntegrationError("Embedded Checkout needs `fetchClientSecret` or `clientSecret`.");
    }
    for (const name of ["fetchClientSecret", "onComplete"]) {
      if (given.includes(name) && typeof options[name] !== "function") {
        throw new IntegrationError(`\`${name}\` of embedded Checkout should be a function.`);
      }
    }
  }

  async function secretOf({ clientSecret, fetchClientSecret }) {
    const secret = fetchClientSecret ? await fetchClientSecret() : clientSecret;
    if (typeof secret === "string" && /^cs_test_\w+_secret_\w+$/.test(secret)) return secret;
    throw new IntegrationError(
      "The client secret of a Checkout Session looks like cs_test_…_secret_…; check what your server answered.",
    );
  }

  function placeOf(location) {
    if (!location) {
      throw new IntegrationError("Missing argument. Make sure to call mount() with a valid DOM element or selector.");
    }
    if (location instanceof Element) return location;
    if (typeof location !== "string") {
      throw new IntegrationError("Invalid DOM element. Make sure to call mount() with a valid DOM element or selector.");
    }
    const found = document.querySelector(location);
    if (found) return found;
    throw new IntegrationError(
      `The selector you specified (${location}) applies to no DOM elements that are currently on the page.\n` +
        "Make sure the element exists on the page before calling mount().",
    );
  }

  function frameOf(secret) {
    const frame = document.createElement("iframe");
    frame.name = "embedded-checkout";
    frame.title = "Checkout";
    frame.allow = "payment *";
    frame.src = `${address}/c/embed/${encodeURIComponent(secret)}`;
    // By the object model, which no policy for styles forbids.
    Object.assign(frame.style, { border: "0", display: "block", minHeight: "20rem", width: "100%" });
    return frame;
  }

  /** One Checkout in one frame; `released` is called when another one may be made. */
  function embed(secret, onComplete, released) {
    const frame = frameOf(secret);
    let destroyed = false;
    let completed = false;

    function complete(redirect) {
      if (completed) return;
      completed = true;
      // A session that redirects says where to; any other tells the page that it is done.
      if (typeof redirect === "string" && /^https?:/.test(redirect)) location.assign(redirect);
      else onComplete?.();
    }
    function heard({ origin: sender, source, data }) {
      if (sender !== origin || source !== frame.contentWindow || data?.source !== "localstripe") return;
      if (data.type === "resize" && data.height > 0) frame.style.height = `${Math.ceil(data.height)}px`;
      if (data.type === "complete") complete(data.redirect);
    }
    function whileAlive(action) {
      return (...values) => {
        if (destroyed) throw new IntegrationError(GONE);
        action(...values);
      };
    }

    addEventListener("message", heard);
    return {
      mount: whileAlive((location) => {
        const place = placeOf(location);
        if (frame.isConnected) {
          throw new IntegrationError("This Embedded Checkout is already mounted. Call unmount() before mounting it again.");
        }
        place.append(frame);
      }),
      unmount: whileAlive(() => frame.remove()),
      destroy: whileAlive(() => {
        destroyed = true;
        removeEventListener("message", heard);
        frame.remove();
        released();
      }),
    };
  }

  let taken = false;
  async function initEmbeddedCheckout(options) {
    checkOptions(options);
    if (taken) throw new IntegrationError("You cannot have multiple Embedded Checkout objects.");
    taken = true;
    const release = () => {
      taken = false;
    };
    try {
      return embed(await secretOf(options), options.onComplete, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  function refusalOf(name) {
    const refuse = () => {
      throw new IntegrationError(
        `stripe.${name}() is not built in the local Stripe.js, which mounts embedded Checkout: ` +
          "stripe.initEmbeddedCheckout(), since dahlia stripe.createEmbeddedCheckoutPage().",
      );
    };
    return IMMEDIATE.includes(name) ? refuse : async () => refuse();
  }

  function Stripe(key) {
    checkKey(key);
    const refused = Object.fromEntries(NOT_BUILT.map((name) => [name, refusalOf(name)]));
    return {
      ...refused,
      initEmbeddedCheckout,
      createEmbeddedCheckoutPage: initEmbeddedCheckout,
      registerAppInfo() {},
      _registerWrapper() {},
    };
  }
  // Loaders compare it with the release that they were made for.
  Stripe.version = train;

  // React puts a <meta> of its own beside one that is not as it rendered it, as one with a widened policy is not.
  HTMLMetaElement.prototype.setAttribute = function setAttribute(name, value) {
    const same = ({ dataset }) => dataset.localstripeBefore === String(value);
    const widened = name === "content" && [...document.querySelectorAll("meta[data-localstripe-before]")].find(same);
    Element.prototype.setAttribute.call(this, name, widened ? widened.content : value);
  };

  // The gateway widens the policies that a page arrives with; one that a script adds later it never sees.
  addEventListener("securitypolicyviolation", ({ blockedURI, disposition, effectiveDirective }) => {
    if (disposition === "enforce" && blockedURI.startsWith(origin)) {
      console.error(
        `A Content-Security-Policy that a script added to this page forbids the local Stripe's frame: allow ${origin} in its ${effectiveDirective}.`,
      );
    }
  });

  let current = Stripe;
  Object.defineProperty(window, "Stripe", {
    configurable: true,
    enumerable: true,
    get: () => current,
    set: (other) => {
      if (document.currentScript?.src.startsWith("https://js.stripe.com/")) {
        console.warn("This page loads Stripe.js by a script of its own; the local Stripe.js stays in its place.");
      } else {
        current = other;
      }
    },
  });
})();
