// azd fills these from its environment: azd env set GATEWAY_SCENARIO vnet

using 'main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'gateway')
param location = readEnvironmentVariable('AZURE_LOCATION', 'swedencentral')
param scenario = readEnvironmentVariable('GATEWAY_SCENARIO', 'standard')
param cloud = readEnvironmentVariable('GATEWAY_CLOUD', 'AzureCloud')
param hosts = readEnvironmentVariable('GATEWAY_HOSTS', '[]')
param gatewaySettings = readEnvironmentVariable('GATEWAY_SETTINGS', '{}')
param audiences = readEnvironmentVariable('GATEWAY_AUDIENCES', '[]')
param callerApplications = readEnvironmentVariable('GATEWAY_CALLER_APPLICATIONS', '[]')
param trustedCallers = readEnvironmentVariable('GATEWAY_TRUSTED_CALLERS', '[]')
param modelAccountIds = readEnvironmentVariable('GATEWAY_MODEL_ACCOUNTS', '[]')
param durable = readEnvironmentVariable('GATEWAY_DURABLE', '')
param schedulerAllowlist = readEnvironmentVariable('GATEWAY_SCHEDULER_ALLOWLIST', '["0.0.0.0/0"]')
param vaultIds = readEnvironmentVariable('GATEWAY_KEY_VAULTS', '[]')
param updateStrategy = readEnvironmentVariable('GATEWAY_UPDATE_STRATEGY', 'Recreate')
param addressPrefix = readEnvironmentVariable('GATEWAY_ADDRESS_PREFIX', '10.40.0.0/24')
param resultRetentionDays = int(readEnvironmentVariable('GATEWAY_RESULT_RETENTION_DAYS', '30'))
param logRetentionDays = int(readEnvironmentVariable('GATEWAY_LOG_RETENTION_DAYS', '30'))
param nodeVersion = readEnvironmentVariable('GATEWAY_NODE_VERSION', '22')
param alertActionGroupIds = readEnvironmentVariable('GATEWAY_ALERT_ACTION_GROUPS', '[]')
