/* The built-in site: calls the backend exactly as a frontend would, with the session cookie only. */
"use strict";

const byId = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en-US");
const show = (id, visible = true) => {
  byId(id).hidden = !visible;
};

/** A failure with a sentence for the person at the screen, and a code for the program. */
class Failure extends Error {
  constructor(sentence, code = "") {
    super(sentence);
    this.code = code;
  }
}

async function answerOf(response) {
  let body = null;
  try {
    body = await response.json();
  } catch {
    throw new Failure(`The server answered ${response.status} without saying why.`);
  }
  if (response.ok && body?.success !== false) return body;
  const sentence = body?.error || body?.message || `The server answered ${response.status}.`;
  throw new Failure(sentence, body?.code || body?.__type || "");
}

async function backend(path, body) {
  const response = await fetch(`/backend${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return (await answerOf(response)).data;
}

async function local(path, method = "GET", body = undefined) {
  const response = await fetch(`/_local/${path}`, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return answerOf(response);
}

let known = null;
async function endpoints() {
  known ??= await local("endpoints");
  return known;
}

async function cognito(action, parameters) {
  const { userPoolClientId } = await endpoints();
  const response = await fetch("/_local/cognito", {
    method: "POST",
    headers: {
      "Content-Type": "application/x-amz-json-1.1",
      "X-Amz-Target": `AWSCognitoIdentityProviderService.${action}`,
    },
    body: JSON.stringify({ ClientId: userPoolClientId, ...parameters }),
  });
  return answerOf(response);
}

function fail(error) {
  byId("error").textContent = error instanceof Failure ? error.message : `Unexpected: ${error}`;
  show("error");
  byId("error").scrollIntoView({ block: "nearest" });
}

/** Run what a button does: one at a time, errors shown, the button busy meanwhile. */
function on(id, action, event = "click") {
  byId(id).addEventListener(event, async (happened) => {
    happened.preventDefault();
    show("error", false);
    const button = event === "submit" ? byId(id).querySelector("button:not([type])") : byId(id);
    if (button.disabled) return;
    button.disabled = true;
    try {
      await action();
    } catch (error) {
      fail(error);
    } finally {
      button.disabled = false;
    }
  });
}

/* Account */

function atStep(name) {
  const order = ["sign-up", "confirm", "sign-in"];
  const at = order.indexOf(name);
  order.forEach((step, index) => {
    byId(`step-${step}`).classList.toggle("done", index < at);
    byId(`step-${step}`).toggleAttribute("aria-current", index === at);
  });
  const titles = ["Create your account", "Confirm your e-mail", "Welcome back"];
  byId("account-title").textContent = titles[at];
  show("confirmation", name === "confirm");
  show("confirmed", name === "sign-in");
  show("ended", false);
  show("credentials", name !== "confirm");
  show("account-actions", name !== "confirm");
  show("sign-up", name === "sign-up");
  show("password-rule", name === "sign-up");
  byId("sign-up").classList.toggle("quiet", name !== "sign-up");
  byId("sign-in").classList.toggle("quiet", name !== "sign-in");
}

/** Somebody who was here before: to sign in comes first, yet a new stack knows nobody. */
function sessionEnded() {
  atStep("sign-in");
  show("confirmed", false);
  show("ended");
  show("sign-up");
  show("password-rule");
}

function credentials() {
  if (!byId("account").reportValidity()) return null;
  return { email: byId("email").value.trim(), password: byId("password").value };
}

async function signUp() {
  const given = credentials();
  if (!given) return;
  await cognito("SignUp", {
    Username: given.email,
    Password: given.password,
    UserAttributes: [{ Name: "email", Value: given.email }],
  });
  askForCode(given.email);
}

function askForCode(email) {
  byId("mailed-to").textContent = email;
  byId("mailed-code").textContent = "";
  atStep("confirm");
  byId("code").focus();
}

async function showCode() {
  const email = byId("mailed-to").textContent.toLowerCase();
  const mails = await local("mail");
  const mail = mails.find((one) => one.code && String(one.to).toLowerCase().includes(email));
  if (!mail) throw new Failure("No mail with a code has arrived yet.");
  byId("mailed-code").textContent = mail.code;
}

async function confirm() {
  await cognito("ConfirmSignUp", {
    Username: byId("email").value.trim(),
    ConfirmationCode: byId("code").value.trim(),
  });
  atStep("sign-in");
}

async function newCode() {
  await cognito("ResendConfirmationCode", { Username: byId("email").value.trim() });
  byId("mailed-code").textContent = "";
}

function claimsOf(token) {
  const [, payload] = token.split(".");
  const bytes = Uint8Array.from(atob(payload.replace(/-/g, "+").replace(/_/g, "/")), (character) =>
    character.charCodeAt(0),
  );
  return JSON.parse(new TextDecoder().decode(bytes));
}

async function signIn() {
  const given = credentials();
  if (!given) return;
  let answer = null;
  try {
    answer = await cognito("InitiateAuth", {
      AuthFlow: "USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME: given.email, PASSWORD: given.password },
    });
  } catch (error) {
    if (error.code?.endsWith("UserNotConfirmedException")) askForCode(given.email);
    throw error;
  }
  const { sub, email, name } = claimsOf(answer.AuthenticationResult.IdToken);
  await local("session", "POST", { sub, email, name: name || email.split("@")[0] });
  location.assign("/dashboard");
}

async function signOut() {
  await local("session", "DELETE");
  location.assign("/");
}

/* Subscription */

const dateOf = (text) =>
  new Date(text).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });

function describe(subscription) {
  if (!subscription?.currentPeriodEnd) return "Every function is open to you.";
  const end = dateOf(subscription.currentPeriodEnd);
  return subscription.cancelAtPeriodEnd ? `Cancelled: it ends on ${end}.` : `Renews on ${end}.`;
}

async function showStatus(plans) {
  const state = await backend("/subscription/status");
  const active = state.hasActiveSubscription === true;
  const plan = plans.find((one) => one.id === state.subscription?.planId);
  byId("status").textContent = active ? "active" : state.subscriptionStatus;
  byId("status").dataset.state = byId("status").textContent;
  byId("plan-name").textContent = active && plan ? plan.name : "Your subscription";
  byId("plan-detail").textContent = active
    ? describe(state.subscription)
    : "You have no active subscription.";
  if (state.subscriptionStatus === "cancelled") {
    byId("gate-notice").textContent = "Your subscription has ended. Pick a plan to open AI again.";
  }
  show("manage", active);
  show("gate", !active);
  show("studio", active);
  return active;
}

function priceOf(plan) {
  if (plan.amount == null) return ["Custom", ""];
  const amount = (plan.amount / 100).toLocaleString("en-US", { maximumFractionDigits: 2 });
  return [`$${amount}`, ` / ${plan.interval || "month"}`];
}

function featuresOf(plan) {
  return [
    `${number.format(plan.callsPerMonth)} AI calls a month`,
    plan.models?.length && `Models: ${plan.models.join(", ")}`,
    plan.maxOutputTokens && `Answers up to ${number.format(plan.maxOutputTokens)} tokens`,
  ].filter(Boolean);
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function showPlans(plans) {
  const cards = plans.map((plan) => {
    const [price, per] = priceOf(plan);
    const card = element(
      "article",
      { className: "card plan" },
      element("h2", { textContent: plan.name }),
      element("p", { className: "price" }, price, element("small", { textContent: per })),
      element("ul", {}, ...featuresOf(plan).map((text) => element("li", { textContent: text }))),
    );
    const place = element("div", { className: "button-place" });
    if (plan.amount == null) {
      place.append(element("p", { className: "small muted", textContent: "Sold by agreement." }));
    } else {
      const id = `subscribe-${plan.id}`;
      place.append(element("button", { id, type: "button" }, `Subscribe to ${plan.name}`));
    }
    card.append(place);
    return card;
  });
  byId("plans").replaceChildren(...cards);
  for (const plan of plans.filter((one) => one.amount != null)) {
    on(`subscribe-${plan.id}`, () => checkout(plan));
  }
}

async function checkout(plan) {
  const { clientSecret } = await backend("/stripe/checkout", { priceId: plan.priceKey });
  const { stripe } = await endpoints();
  byId("checkout-title").textContent = `Subscribe to ${plan.name}`;
  // Shown first: a hidden frame has no width, and would report the height of one tall column.
  show("plans", false);
  show("checkout");
  byId("checkout-frame").src = `${stripe}/c/embed/${encodeURIComponent(clientSecret)}`;
}

/** What the checkout tells the page around it: its height, and where to go once it is paid. */
async function heard({ origin, data }) {
  const { stripe } = await endpoints();
  if (origin !== new URL(stripe).origin || data?.source !== "localstripe") return;
  if (data.type === "resize") byId("checkout-frame").style.height = `${Math.ceil(data.height)}px`;
  if (data.type !== "complete" || !data.redirect) return;
  const { pathname, search } = new URL(data.redirect);
  location.assign(pathname + search);
}

function leaveCheckout() {
  byId("checkout-frame").src = "about:blank";
  show("checkout", false);
  show("plans");
}

async function manage() {
  const { url } = await backend("/stripe/portal", {});
  location.assign(url);
}

/* AI */

const ENDS = {
  length: "cut at the longest possible answer",
  filtered: "cut by the model's safety filter",
  guardrail: "replaced by a guardrail",
};

function meter(label, used, limit, testId) {
  const value = element("span", {
    textContent: `${number.format(used)} of ${number.format(limit)}`,
  });
  value.dataset.testid = testId;
  const bar = element("progress", { max: limit || 1, value: Math.min(used, limit) });
  bar.setAttribute("aria-label", label);
  const line = element("div", {}, element("span", { textContent: label }), value);
  return element("div", { className: "meter" }, line, bar);
}

async function showUsage() {
  const { calls, tokens, resetAt } = await backend("/ai/usage");
  byId("usage").replaceChildren(
    meter("Calls", calls.used, calls.limit, "usage-calls"),
    meter("Tokens", tokens.used, tokens.limit, "usage-tokens"),
  );
  byId("usage-reset").textContent = resetAt ? `Starts anew on ${dateOf(resetAt)}.` : "";
}

async function showHistory() {
  const calls = (await backend("/ai/history")).slice(0, 10);
  show("history-empty", calls.length === 0);
  byId("history").replaceChildren(
    ...calls.map((call) =>
      element(
        "li",
        {},
        element(
          "details",
          {},
          element("summary", { textContent: call.prompt }),
          element("p", { textContent: call.response }),
        ),
      ),
    ),
  );
}

async function send() {
  const prompt = byId("prompt").value;
  const answer = await backend("/ai/generate", { prompt, maxTokens: 1000, temperature: 0.7 });
  byId("answer").textContent = answer.response;
  const detail = [answer.model, `${number.format(answer.tokens)} tokens`, ENDS[answer.finishReason]];
  byId("answer-detail").textContent = detail.filter(Boolean).join(" · ");
  show("answer");
  show("answer-detail");
  await Promise.all([showUsage(), showHistory()]);
}

/* Start */

async function openDashboard() {
  show("dashboard");
  show("again", false);
  byId("plan-detail").textContent = "Asking the backend …";
  try {
    const plans = await backend("/plans");
    showPlans(plans);
    // The status is asked once for each load; right after a payment the backend settles it itself.
    const active = await showStatus(plans);
    if (new URLSearchParams(location.search).has("session_id")) {
      history.replaceState(null, "", "/dashboard");
    }
    if (active) await Promise.all([showUsage(), showHistory()]);
  } catch (error) {
    if (!byId("status").textContent) byId("plan-detail").textContent = "The backend did not say.";
    show("again");
    throw error;
  }
}

function start() {
  const actions = { "sign-up": signUp, "sign-in": signIn, confirm, manage };
  for (const [id, action] of Object.entries(actions)) on(id, action);
  on("again", openDashboard);
  on("show-code", showCode);
  on("new-code", newCode);
  on("leave-checkout", leaveCheckout);
  on("chat", send, "submit");
  if (byId("sign-out")) on("sign-out", signOut);
  addEventListener("message", (event) => heard(event).catch(fail));
  // Enter in a field: the form's hidden button submits it, and the step's own button is pressed.
  byId("account").addEventListener("submit", (event) => {
    event.preventDefault();
    const first = byId("sign-in").classList.contains("quiet") ? "sign-up" : "sign-in";
    byId(byId("confirmation").hidden ? first : "confirm").click();
  });
  byId("prompt").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("chat").requestSubmit();
  });
  if (byId("site").dataset.signedIn === "true") {
    openDashboard().catch(fail);
  } else {
    if (byId("site").dataset.signedIn === "ended") sessionEnded();
    else atStep("sign-up");
    show("welcome");
  }
}

start();
