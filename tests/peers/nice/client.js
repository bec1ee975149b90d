// The vendor's agent SDK of NICE CXone, driven line by line. Bundled by ../install into ../.installed/nice/client.cjs.
//
//   node client.cjs '{"url": .., "token": .., "agent": ..}'
//
// Standard input: {"id": 1, "call": "voice.holdContact", "arguments": [..]}, one JSON object a line. Standard output:
// {"event": "answer", "id": 1, "value": ..} or {.., "error": ..} for each, and {"event": "CallContact", "data": ..} and the
// like for what the SDK parsed; {"event": "raw", "data": [..]} for what it was sent. It ends when its input is closed.
import "./browser.js";
import { createInterface } from "node:readline";
import { ACDSessionManager, GetNextEventProvider } from "@nice-devone/core-sdk";
import { CXoneAuth, CXoneUser } from "@nice-devone/auth-sdk";
import { AgentLegService, ContactService, VoiceControlService, VoiceService } from "@nice-devone/agent-sdk";
import { AgentStateService } from "@nice-devone/acd-sdk";

const settings = JSON.parse(process.argv[2]);
const print = (event, fields) => process.stdout.write(JSON.stringify({ event, ...fields }) + "\n");
for (const level of ["log", "info", "debug", "warn", "error"]) {
  console[level] = (...words) => process.stderr.write(words.map(String).join(" ") + "\n");
}

const config = { acdApiBaseUri: settings.url };
const manager = ACDSessionManager.instance;
manager.initialize(settings.token, config, { icAgentId: settings.agent, userId: settings.agent });
const auth = CXoneAuth.instance;
auth.getCXoneConfig = () => config;
auth.getAuthToken = () => ({ accessToken: settings.token });
CXoneUser.instance.getUserInfo = () => ({ icAgentId: settings.agent, teamId: "1" });

const subjects = {
  raw: manager.onGetNextEvent,
  CallContact: manager.callContactEventSubject,
  VoiceMailContact: manager.voiceMailContactEventSubject,
  WorkItemContact: manager.workItemContactEventSubject,
  AgentState: manager.agentStateSubject,
  AgentLeg: manager.agentLegSubject,
  Mute: manager.muteEventSubject,
  AgentSession: manager.onAgentSessionChange,
  Conference: manager.conferenceCallEvent,
  DigitalContact: manager.digitalContactSubject,
  Indicator: manager.contactIndicatorsSubject,
  PageOpen: manager.pageOpenSubject,
  PopURL: manager.popUrlSubject,
  RunApp: manager.runAppSubject,
  MchAgentSettingsChange: manager.mchAgentSettingsChangeEvent,
  PromiseKeeper: manager.onCommitmentEvent,
  PromiseKeeperStatus: manager.onCommitmentStatusEvent,
  VoiceMailPlayBack: manager.voiceMailPlayBackEventSubject,
  AgentAssist: manager.agentAssistGetNextEventSubject,
  UpdateSkills: manager.updateSkillsEvent,
  UpdateUnavailableCodes: manager.agentUpdateUnavailableCodeSubject,
  HoursOfOperation: manager.hoursOfOperationEvent,
};
for (const [name, subject] of Object.entries(subjects)) {
  subject.subscribe((data) => print(name, { data }));
}

const poller = GetNextEventProvider.instance;
const services = {
  session: {
    start: (request) => manager.startSession(request),
    join: () => manager.joinSession({}),
    poll: () => poller.startGetNextEvents(),
    end: (request) => manager.endSession(request),
    id: () => manager.getSessionId(),
  },
  voice: new VoiceControlService(),
  calls: new VoiceService(),
  contacts: new ContactService(),
  leg: new AgentLegService(),
  state: AgentStateService.instance,
};

createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const request = JSON.parse(line);
    const [owner, method] = request.call.split(".");
    try {
      const value = await services[owner][method](...(request.arguments ?? []));
      print("answer", { id: request.id, value: value ?? null });
    } catch (error) {
      print("answer", { id: request.id, error: String(error?.message ?? error), data: error?.data });
    }
  })
  .on("close", () => process.exit(0));
print("ready", {});
