import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

const read = (name: string): string => readFileSync(new URL(`../../examples/ci/${name}`, import.meta.url), 'utf8');

/** A script of a job, in the order in which its CI runs them. `always`: whatever became of those before. */
export interface CiStep {
  readonly script: string;
  readonly when: 'so-far-good' | 'always';
}

/** A job of examples/ci, as the documentation of its CI says that it is run. */
export interface CiJob {
  readonly shell: readonly [program: string, ...args: string[]];
  /** Where its scripts run, within the repository. */
  readonly folder: string;
  /** What the CI says of the job, and what the job's file adds. */
  readonly env: NodeJS.ProcessEnv;
  readonly steps: readonly CiStep[];
  readonly pin: { readonly job: string; readonly pipeline: string };
}

const PIPELINE = 'courier-release';
const good = (script: string): CiStep => ({ script, when: 'so-far-good' });
const always = (script: string): CiStep => ({ script, when: 'always' });

/** What stands between two texts that must be there. */
function between(text: string, before: string, after: string): string {
  const from = text.indexOf(before);
  const to = text.indexOf(after, from + before.length);
  if (from < 0 || to < 0) throw new Error(`${before} … ${after} was expected in:\n${text}`);
  return text.slice(from + before.length, to);
}

/** Variables of a file that are no expressions of its CI: those are settings of the project. */
const fixed = (env: Readonly<Record<string, string>>): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([, value]) => !value.includes('${{')));

/** `run` steps; `bash -e` is the default shell of a step without one. */
function githubActions(): CiJob {
  const { jobs } = parse(read('github-actions.yml')) as {
    readonly jobs: {
      readonly archive: {
        readonly env: Readonly<Record<string, string>>;
        readonly steps: readonly { readonly run?: string; readonly if?: string }[];
      };
    };
  };
  const { env, steps } = jobs.archive;
  return {
    shell: ['bash', '-e', '-c'],
    folder: '.',
    env: {
      ...fixed(env),
      GITHUB_REPOSITORY: 'acme/courier',
      GITHUB_RUN_ID: '1658821493',
      GITHUB_RUN_ATTEMPT: '2',
      GITHUB_JOB: 'archive',
      GITHUB_WORKFLOW: 'release',
      RUNNER_NAME: 'ams-build-1',
    },
    steps: steps.flatMap((step) => (step.run === undefined ? [] : [step.if === 'always()' ? always(step.run) : good(step.run)])),
    pin: { job: 'acme/courier 1658821493.2 archive ams-build-1', pipeline: PIPELINE },
  };
}

/** `before_script` and `script` are one script, `after_script` another. */
function gitlabCi(): CiJob {
  const { archive } = parse(read('gitlab-ci.yml')) as {
    readonly archive: Readonly<Record<'before_script' | 'script' | 'after_script', readonly string[]>> & {
      readonly variables: Readonly<Record<string, string>>;
    };
  };
  return {
    shell: ['bash', '-eo', 'pipefail', '-c'],
    folder: '.',
    env: { ...archive.variables, CI_PROJECT_PATH: 'acme/courier', CI_JOB_ID: '4711' },
    steps: [good([...archive.before_script, ...archive.script].join('\n')), always(archive.after_script.join('\n'))],
    pin: { job: 'acme/courier 4711', pipeline: PIPELINE },
  };
}

/** `sh` steps: `sh -xe`. Those of `post { always }` run at the end. A backslash at the end of a line is Groovy's, too. */
function jenkins(): CiJob {
  const file = read('Jenkinsfile');
  const [stages = '', post = ''] = file.split(/^ {2}post \{$/m);
  const scripts = (text: string): readonly string[] =>
    [...text.matchAll(/sh '''([^]*?)'''/g)].map(([, script = '']) => script.replaceAll('\\\n', ''));
  const atTheEnd = scripts(between(post, 'always {', '\n    }\n'));
  return {
    shell: ['sh', '-xe', '-c'],
    folder: '.',
    env: {
      RESEAL_PIPELINE: between(file, "RESEAL_PIPELINE = '", "'"),
      BUILD_TAG: 'jenkins-courier-release-42',
      JOB_NAME: 'courier-release',
    },
    steps: [...scripts(stages).map(good), ...atTheEnd.map(always)],
    pin: { job: 'jenkins-courier-release-42', pipeline: PIPELINE },
  };
}

/** Hooks of the repository around the step's command. */
function buildkite(): CiJob {
  const { steps } = parse(read('buildkite/pipeline.yml')) as {
    readonly steps: readonly [{ readonly command: string; readonly env: Readonly<Record<string, string>> }];
  };
  const [{ command, env }] = steps;
  return {
    shell: ['bash', '-c'],
    folder: '.',
    env: { ...env, BUILDKITE_PIPELINE_SLUG: 'courier', BUILDKITE_JOB_ID: '0190046e-e199-453b-a302-a21a4d649d31' },
    steps: [good(read('buildkite/hooks/pre-command')), good(command), always(read('buildkite/hooks/pre-exit'))],
    pin: { job: 'courier 0190046e-e199-453b-a302-a21a4d649d31', pipeline: PIPELINE },
  };
}

/** `sh` of a lane, in the folder fastlane/; what stands after `ensure` runs whatever was raised before. */
function fastlane(): CiJob {
  const lane = between(read('fastlane/Fastfile'), '    begin\n', '\n    end\n');
  const [body = '', ensured = ''] = lane.split(/^ {4}ensure$/m);
  const scripts = (text: string): readonly string[] =>
    [...text.matchAll(/sh\(<<~'SH'\)\n([^]*?)^ *SH$/gm)].map(([, script = '']) => script);
  return {
    shell: ['sh', '-c'],
    folder: 'fastlane',
    env: { RESEAL_PIPELINE: PIPELINE, RESEAL_JOB: 'fastlane ams-build-1 4711' },
    steps: [...scripts(body).map(good), ...scripts(ensured).map(always)],
    pin: { job: 'fastlane ams-build-1 4711', pipeline: PIPELINE },
  };
}

export const CI_JOBS = { 'GitHub Actions': githubActions, 'GitLab CI': gitlabCi, Jenkins: jenkins, Buildkite: buildkite, fastlane };
