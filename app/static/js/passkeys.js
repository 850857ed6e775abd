// Passkeys (WebAuthn): fetch the options from the server, ask the browser for a credential, and
// send it with the form around the button. The server trusts nothing in it but the signature.
(() => {
  const fromText = (text) => {
    const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  };
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

  // A passkey is bound to a host name: on another host, browsers refuse to use it.
  const works = (host) =>
    "PublicKeyCredential" in window &&
    (location.hostname === host || location.hostname.endsWith(`.${host}`));

  function show() {
    for (const place of document.querySelectorAll("[data-passkey]")) {
      place.hidden = !works(place.dataset.host);
    }
    for (const hint of document.querySelectorAll("[data-passkey-elsewhere]")) {
      hint.hidden = works(hint.dataset.passkeyElsewhere);
    }
  }

  async function fetchOptions(place, form) {
    const response = await fetch(place.dataset.options, {
      method: "POST",
      headers: { "X-CSRFToken": form.elements.csrf_token.value, "HX-Request": "true" },
    });
    const redirect = response.headers.get("HX-Redirect");
    if (redirect) {
      location.assign(redirect);
      return null;
    }
    if (!response.ok) throw new Error(`The server responded with ${response.status}.`);
    return response.json();
  }

  const descriptors = (list) => (list ?? []).map((descriptor) => ({ ...descriptor, id: fromText(descriptor.id) }));

  async function create(options) {
    const credential = await navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: fromText(options.challenge),
        user: { ...options.user, id: fromText(options.user.id) },
        excludeCredentials: descriptors(options.excludeCredentials),
      },
    });
    return serialize(credential, { attestationObject: toText(credential.response.attestationObject) });
  }

  async function get(options) {
    const credential = await navigator.credentials.get({
      publicKey: {
        ...options,
        challenge: fromText(options.challenge),
        allowCredentials: descriptors(options.allowCredentials),
      },
    });
    const { authenticatorData, signature, userHandle } = credential.response;
    return serialize(credential, {
      authenticatorData: toText(authenticatorData),
      signature: toText(signature),
      ...(userHandle && { userHandle: toText(userHandle) }),
    });
  }

  const serialize = (credential, response) => ({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    clientExtensionResults: {},
    response: { clientDataJSON: toText(credential.response.clientDataJSON), ...response },
  });

  async function submitWithPasskey(place, form) {
    // An empty name is refused before the device makes a passkey.
    if ([...form.elements].some((control) => control.required && !control.value.trim())) {
      form.submit();
      return;
    }
    const problem = form.querySelector("[data-passkey-problem]");
    const button = form.querySelector("[type=submit]");
    problem.textContent = "";
    button.disabled = true;
    try {
      const options = await fetchOptions(place, form);
      if (options === null) return;
      const credential = place.dataset.passkey === "create" ? await create(options) : await get(options);
      form.elements.credential.value = JSON.stringify(credential);
      // form.submit() fires no submit event, so the passkey is not asked for again.
      form.submit();
    } catch (error) {
      const alreadyRegistered = error.name === "InvalidStateError";
      problem.textContent = alreadyRegistered
        ? "This device already has a passkey for your account."
        : "No passkey was used. Try again, or use another way to sign in.";
      button.disabled = false;
    }
  }

  document.addEventListener("submit", (event) => {
    const place = event.target.closest("[data-passkey]");
    if (!place) return;
    event.preventDefault();
    submitWithPasskey(place, event.target);
  });
  document.addEventListener("htmx:after:swap", show);
  show();
})();
