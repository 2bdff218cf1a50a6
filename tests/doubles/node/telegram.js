// Starts the Bot API double of the package telegram-test-api, which was not written here, and mends from outside what
// python-telegram-bot cannot read: getMe without is_bot, null where an edit succeeded, dates in milliseconds, pressed
// buttons without chat_instance, parameters echoed as strings, and polling that returns at once.
//
//     node telegram.js FOLDER PORT        FOLDER has node_modules with the package
"use strict";
const path = require("path");
const [folder, port] = [process.argv[2], Number(process.argv[3])];
const lib = path.join(folder, "node_modules", "telegram-test-api", "lib");
const { routes } = require(path.join(lib, "routes", "index.js"));
const { TelegramServer } = require(path.join(lib, "telegramServer.js"));

const STUBS = ["sendChatAction", "setMyCommands", "setMessageReaction"];

function mended(method, body) {
  if (typeof body !== "object" || body === null || !("result" in body)) return body;
  if (method === "getMe") Object.assign(body.result, { is_bot: true, can_join_groups: true });
  if (body.result === null) body.result = true;
  const messages = Array.isArray(body.result) ? body.result.map((update) => update.message) : [body.result];
  for (const message of messages) {
    if (message && message.date > 1e11) message.date = Math.floor(message.date / 1000);
    if (message) for (const name of ["link_preview_options", "reply_parameters"]) delete message[name];
  }
  for (const update of Array.isArray(body.result) ? body.result : []) {
    if (update.callback_query) update.callback_query.chat_instance = "1";
  }
  return body;
}

routes.unshift((app) => {
  app.use(/^\/bot.*/, (req, res, next) => {
    const method = (req.baseUrl || req.originalUrl).split("/").pop();
    const json = res.json.bind(res);
    res.json = (body) => {
      const nothing = method === "getUpdates" && Array.isArray(body.result) && !body.result.length;
      setTimeout(() => json(mended(method, body)), nothing ? 200 : 0);
      return res;
    };
    if (STUBS.includes(method)) return res.json({ ok: true, result: true });
    next();
  });
});

new TelegramServer({ port, host: "127.0.0.1" }).start().then(() => console.log("ready"));
