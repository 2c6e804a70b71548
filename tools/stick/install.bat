@echo off
rem Install the course from this folder, without network: install.bat [WHERE]
rem WHERE is a folder that does not exist yet; by default, course in your home. PYTHON names another Python.
setlocal
set "here=%~dp0"
set "where=%~1"
if "%where%"=="" set "where=%USERPROFILE%\course"
if "%PYTHON%"=="" set "PYTHON=py -3"
for /f %%v in ('%PYTHON% -c "import sys; print('%%d.%%d' %% sys.version_info[:2])"') do set "version=%%v"
set "list=%here%wheels\windows-%version%.txt"
if not exist "%list%" (
    echo install.bat: expected a Python of one of these lists, got %version%
    dir /b "%here%wheels\windows-*.txt"
    exit /b 1
)
if exist "%where%" (
    echo install.bat: expected a folder that does not exist yet, got %where%
    exit /b 1
)
echo Installing into %where%, which takes some minutes ...
mkdir "%where%" || exit /b 1
%PYTHON% -m venv "%where%\python" || exit /b 1
"%where%\python\Scripts\python" -m pip install --quiet --disable-pip-version-check --no-index --no-compile --find-links "%here%wheels\windows" -r "%list%" || exit /b 1
xcopy /e /i /q "%here%exercises" "%where%\exercises" >nul || exit /b 1
xcopy /e /i /q "%here%html" "%where%\html" >nul || exit /b 1
copy "%here%start.bat" "%where%" >nul || exit /b 1
mkdir "%where%\python\share\jupyter\lab\settings"
copy "%here%overrides.json" "%where%\python\share\jupyter\lab\settings" >nul || exit /b 1
"%where%\python\Scripts\python" "%here%check.py" || exit /b 1
echo Start it with: %where%\start.bat
