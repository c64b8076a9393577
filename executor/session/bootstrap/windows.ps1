<#
.SYNOPSIS
  Fetches signed jobs of imagebuild from S3 and does them, inside of an AppStream image builder.
.DESCRIPTION
  Run once with -Install, elevated, in the image that image builders are started from: it is then started
  with every machine, as SYSTEM. In anything but an image builder it ends at once. It reads
  jobs/<machine>/ and writes results/<machine>/ of one bucket with the machine's role, and takes no job that is not
  signed with the key, meant for this machine, of this hour, and new.
#>
param([switch]$Install)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12

$Bucket = {{bucket}}
$Prefix = {{prefix}}
$Region = {{region}}
$KeySource = {{key}}
$Home_ = Join-Path $env:ProgramData 'imagebuild'
$Idle = [TimeSpan]::FromMinutes(50)

if ($Install) {
    [void](New-Item -ItemType Directory -Force -Path $Home_)
    # What lies here runs as SYSTEM: nobody but administrators may write it.
    icacls.exe $Home_ /inheritance:r /grant:r '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' | Out-Null
    Copy-Item -Force -LiteralPath $PSCommandPath -Destination (Join-Path $Home_ 'bootstrap.ps1')
    $do = New-ScheduledTaskAction -Execute 'powershell.exe' -Argument ('-NoProfile -NonInteractive -ExecutionPolicy Bypass -File "' + (Join-Path $Home_ 'bootstrap.ps1') + '"')
    $set = New-ScheduledTaskSettingsSet -ExecutionTimeLimit ([TimeSpan]::Zero) -RestartCount 3 -RestartInterval ([TimeSpan]::FromMinutes(1))
    [void](Register-ScheduledTask -Force -TaskName 'imagebuild' -User 'SYSTEM' -RunLevel Highest -Action $do -Settings $set -Trigger (New-ScheduledTaskTrigger -AtStartup))
    exit 0
}

function Get-MachineVariable([string]$Name) { [Environment]::GetEnvironmentVariable($Name, 'Machine') }
if ((Get-MachineVariable 'AppStream_Resource_Type') -ne 'imagebuilder') { exit 0 }
$Machine = Get-MachineVariable 'AppStream_Resource_Name'
[void](New-Item -ItemType Directory -Force -Path $Home_)
$Done = Join-Path $Home_ 'nonces.txt'

# aws calls AWS as the machine's role. An absent object is answered with 403 to whoever may not list the bucket, so that no
# failure of a read is told from another.
function Invoke-Aws {
    $ErrorActionPreference = 'Continue'
    $out = & aws --profile appstream_machine_role --region $Region @args 2>$null
    if ($LASTEXITCODE -ne 0) { return $null }
    if ($null -eq $out) { return '' }
    return ($out -join "`n")
}

function Get-JobKey {
    $text = $null
    if ($KeySource.StartsWith('ssm:')) {
        $text = Invoke-Aws ssm get-parameter --name $KeySource.Substring(4) --with-decryption --query Parameter.Value --output text
    } else {
        $id, $member = $KeySource.Substring('secretsmanager:'.Length).Split('#', 2)
        $text = Invoke-Aws secretsmanager get-secret-value --secret-id $id --query SecretString --output text
        if ($text -and $member) { $text = (ConvertFrom-Json $text).$member }
    }
    if (-not $text) { return $null }
    $text = $text.Trim()
    if ($text -notmatch '^([0-9a-fA-F]{2}){16,}$') { throw 'The key of the jobs is no secret for HMAC in hexadecimal. Windows PowerShell has no Ed25519.' }
    $raw = New-Object byte[] ($text.Length / 2)
    for ($i = 0; $i -lt $raw.Length; $i++) { $raw[$i] = [Convert]::ToByte($text.Substring(2 * $i, 2), 16) }
    return , $raw
}

function Get-Mac([byte[]]$Key, [byte[]]$Message) {
    $h = New-Object Security.Cryptography.HMACSHA256 (, $Key)
    try { return (($h.ComputeHash($Message) | ForEach-Object { $_.ToString('x2') }) -join '') } finally { $h.Dispose() }
}

function Send-Object([string]$Name, [string]$Text) {
    $file = Join-Path $Home_ 'send.tmp'
    [IO.File]::WriteAllText($file, $Text, (New-Object Text.UTF8Encoding $false))
    [void](Invoke-Aws s3 cp $file ('s3://' + $Bucket + '/' + $Prefix + 'results/' + $Machine + '/' + $Name) --only-show-errors)
}

function Send-Beat([string]$Name, [string]$State, [string]$Nonce) {
    Send-Object $Name (ConvertTo-Json -Compress @{ state = $State; nonce = $Nonce; at = [DateTime]::UtcNow.ToString('o') })
}

# Read-Job returns a job that is to be done, or nothing.
function Read-Job([byte[]]$Key) {
    $file = Join-Path $Home_ 'job.json'
    if ($null -eq (Invoke-Aws s3 cp ('s3://' + $Bucket + '/' + $Prefix + 'jobs/' + $Machine + '/job.json') $file --only-show-errors)) { return $null }
    try {
        $e = ConvertFrom-Json ([IO.File]::ReadAllText($file))
        $message = [Convert]::FromBase64String($e.message)
        if ($e.algorithm -cne 'HMAC-SHA256' -or (Get-Mac $Key $message) -cne $e.signature) { return $null }
        $j = ConvertFrom-Json ([Text.Encoding]::UTF8.GetString($message))
    } catch { return $null }
    if ($j.version -ne 1 -or $j.machine -cne $Machine -or $j.nonce -cnotmatch '^[0-9a-f]{32}$') { return $null }
    if (([datetime]$j.expires).ToUniversalTime() -lt [DateTime]::UtcNow) { return $null }
    if ((Test-Path -LiteralPath $Done) -and ((Get-Content -LiteralPath $Done) -ccontains $j.nonce)) { return $null }
    Add-Content -LiteralPath $Done -Value $j.nonce
    return $j
}

# A tail reads what was added to a file, in whole lines.
function Read-Tail($Tail, [bool]$Last) {
    $s = [IO.File]::Open($Tail.Path, 'OpenOrCreate', 'Read', 'ReadWrite')
    try {
        [void]$s.Seek($Tail.At, 'Begin')
        $b = New-Object byte[] 262144
        $n = $s.Read($b, 0, $b.Length)
        $end = $n
        if (-not $Last) { $end = [Array]::LastIndexOf($b, [byte]10, [Math]::Max($n - 1, 0)) + 1 }
        if ($n -eq 0 -or $end -le 0) { if ($n -lt $b.Length) { return $null }; $end = $n }
        $Tail.At += $end
        return [Text.Encoding]::UTF8.GetString($b, 0, $end).TrimEnd("`r", "`n") -split "`r?`n"
    } finally { $s.Close() }
}

$script:Pieces = 0
function Send-Log($Out, $Err, [string]$Nonce, [bool]$Last) {
    do {
        $lines = @()
        foreach ($t in $Out, $Err) {
            $got = Read-Tail $t $Last
            if ($null -ne $got) { foreach ($l in $got) { $x = @{ t = [string]$l }; if ($t.Stderr) { $x.e = $true }; $lines += (ConvertTo-Json -Compress $x) } }
        }
        if ($lines.Count -gt 0) {
            $script:Pieces++
            Send-Object ($Nonce + '/log-' + $script:Pieces.ToString('000000')) (($lines -join "`n") + "`n")
        }
    } while ($Last -and $lines.Count -gt 0)
}

function Start-Job_($Job) {
    foreach ($f in $Job.files) {
        [void][IO.Directory]::CreateDirectory((Split-Path -Parent $f.path))
        Invoke-WebRequest -UseBasicParsing -Uri $f.url -OutFile $f.path
        if ((Get-FileHash -Algorithm SHA256 -LiteralPath $f.path).Hash -ne $f.sha256) { Remove-Item -Force -LiteralPath $f.path; throw "$($f.path) has another sha256 than the job says" }
    }
    $i = New-Object Diagnostics.ProcessStartInfo
    $i.UseShellExecute = $false
    $out = @{ Path = (Join-Path $Home_ 'stdout'); At = 0; Stderr = $false }
    $err = @{ Path = (Join-Path $Home_ 'stderr'); At = 0; Stderr = $true }
    foreach ($t in $out, $err) { [IO.File]::WriteAllText($t.Path, '') }
    if ($Job.shell -eq 'cmd') {
        $file = Join-Path $Home_ 'job.cmd'
        [IO.File]::WriteAllText($file, "@echo off`r`n" + ($Job.script -replace "`r?`n", "`r`n"), (New-Object Text.UTF8Encoding $false))
        $command = '"' + $file + '"'
    } else {
        $file = Join-Path $Home_ 'job.ps1'
        [IO.File]::WriteAllText($file, [string]$Job.script, (New-Object Text.UTF8Encoding $true))
        $command = 'powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "' + $file + '"'
    }
    $i.FileName = $env:ComSpec
    $i.Arguments = '/d /s /c "' + $command + ' >"' + $out.Path + '" 2>"' + $err.Path + '" <nul"'
    if ($Job.environment) { foreach ($p in $Job.environment.PSObject.Properties) { $i.EnvironmentVariables[$p.Name] = [string]$p.Value } }
    return @{ Process = [Diagnostics.Process]::Start($i); Out = $out; Err = $err }
}

function Send-Result($Job, [byte[]]$Key, [int]$Exit, [string]$Problem) {
    $r = @{ run = $Job.run; nonce = $Job.nonce; exit = $Exit; pieces = $script:Pieces }
    if ($Problem) { $r.error = $Problem }
    $message = [Text.Encoding]::UTF8.GetBytes((ConvertTo-Json -Compress $r))
    Send-Object ($Job.nonce + '/result.json') (ConvertTo-Json -Compress @{
            algorithm = 'HMAC-SHA256'; message = [Convert]::ToBase64String($message); signature = (Get-Mac $Key $message)
        })
}

$waiting = [DateTime]::UtcNow
$said = [DateTime]::MinValue
while ([DateTime]::UtcNow - $waiting -lt $Idle) {
    # The role's credentials come some time after the start, and the key may change: both are asked each time.
    $key = Get-JobKey
    $job = $null
    if ($null -ne $key) { $job = Read-Job $key }
    if ($null -eq $job) {
        if ($null -ne $key -and ([DateTime]::UtcNow - $said).TotalSeconds -gt 15) { Send-Beat 'status.json' 'waiting' ''; $said = [DateTime]::UtcNow }
        Start-Sleep -Seconds 2
        continue
    }
    $script:Pieces = 0
    Send-Beat ($job.nonce + '/beat.json') 'working' $job.nonce
    try {
        $work = Start-Job_ $job
        $beat = [DateTime]::UtcNow
        while (-not $work.Process.WaitForExit(1000)) {
            Send-Log $work.Out $work.Err $job.nonce $false
            if (([DateTime]::UtcNow - $beat).TotalSeconds -gt 15) { Send-Beat ($job.nonce + '/beat.json') 'working' $job.nonce; $beat = [DateTime]::UtcNow }
        }
        Send-Log $work.Out $work.Err $job.nonce $true
        Send-Result $job $key $work.Process.ExitCode ''
    } catch {
        Send-Result $job $key 1 ($_.Exception.Message)
    }
    Remove-Item -Force -ErrorAction SilentlyContinue -Path (Join-Path $Home_ 'job.*'), (Join-Path $Home_ 'std*')
    $waiting = [DateTime]::UtcNow
}
Send-Beat 'status.json' 'no_job_received' ''
