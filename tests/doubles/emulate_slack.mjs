// Starts the Slack of npm's `emulate` (not written here) from its folder, and has it deliver events to EVENTS_URL.
// Its package exports no way to subscribe: the plugin's own `register` is wrapped. Prints one line of JSON when ready.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const dist = join(process.argv[2], "node_modules", "emulate", "dist");
const holds = (name) => /^dist-.*\.js$/.test(name) && readFileSync(join(dist, name), "utf8").includes("var slackPlugin =");
const { slackPlugin } = await import(pathToFileURL(join(dist, readdirSync(dist).find(holds))));
const register = slackPlugin.register;
let kept;
slackPlugin.register = (app, store, webhooks, ...rest) => {
  register(app, store, webhooks, ...rest);
  webhooks.register({ url: process.env.EVENTS_URL, events: ["*"], active: true, owner: "slack" });
  kept = store;
};
const { createEmulator } = await import(pathToFileURL(join(dist, "api.js")));
const bot = { app_id: "A1", client_id: "c", client_secret: "s", name: "attune", redirect_uris: [], bot_name: "attune" };
const slack = await createEmulator({
  service: "slack",
  port: Number(process.env.PORT),
  seed: {
    slack: {
      users: [{ name: "alice" }],
      channels: [{ name: "questions" }],
      bots: [{ name: "attune" }],
      oauth_apps: [bot],
      tokens: [
        { token: "xoxp-alice", type: "user", user: "alice" },
        { token: "xoxb-attune", type: "bot", user: "attune" },
      ],
      signing_secret: process.env.SIGNING_SECRET,
    },
  },
});
console.log(JSON.stringify({ url: slack.url }));
