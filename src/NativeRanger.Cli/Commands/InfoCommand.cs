using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;

namespace NativeRanger.Cli.Commands;

/// <summary>Says what runs on this machine, and why what does not run does not.</summary>
internal sealed class InfoCommand : Command
{
    private const string Summary = """
        Prints the version, the native library with its instruction sets, the GPU, and the MathNet provider.

        The exit code is 1 if the native library or the provider cannot be used; the reason is printed.
        """;

    public InfoCommand()
        : base("info", Summary) => SetAction(Run);

    private static int Run(ParseResult parsed)
    {
        var output = parsed.InvocationConfiguration.Output;
        void Line(string name, string value) => output.WriteLine($"{name, -18}{value}");

        var version = typeof(NativeBackend).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>();
        Line("NativeRanger", version?.InformationalVersion ?? "unknown");
        Line(".NET", $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier}");
        Line("ABI", $"{NativeBackend.ContractVersion}");
        var usable = true;
        var named = Environment.GetEnvironmentVariable("NATIVERANGER_LIBRARY") is { Length: > 0 };
        Line(
            "Native library",
            Try(() =>
                $"{NativeBackend.LibraryPath}, version {NativeBackend.LibraryVersion}"
                + (named ? " (named by NATIVERANGER_LIBRARY)" : "")
            )
        );
        if (usable)
        {
            Line("Built with", NativeBackend.BuildInfo);
            Line("Instruction set", Try(() => BackendChoice.Spelling(NativeBackend.Instance.InstructionSet)));
            Line("Available", string.Join(", ", NativeBackend.Available.Select(BackendChoice.Spelling)));
        }

        Line("GPU", Devices());
        Line("MathNet provider", Try(MathNetProvider.Describe));
        return usable ? CommandLine.Success : CommandLine.Failure;

        static string Devices()
        {
            var found = new List<string>();
            while (true)
            {
                if (!Backend.TryCuda(found.Count, out var gpu, out var reason))
                {
                    return found.Count > 0 ? string.Join(", ", found) : $"none: {reason.Split('\n')[0]}";
                }

                found.Add(
                    $"{gpu.DeviceName} (compute capability {gpu.Capability}, {gpu.MemoryBytes >> 30} GiB, CUDA {gpu.DriverVersion})"
                );
            }
        }

        string Try(Func<string> value)
        {
            try
            {
                return value();
            }
            catch (Exception exception)
                when (exception is NativeLibraryException or PlatformNotSupportedException or UserErrorException)
            {
                usable = false;
                return $"not usable: {exception.Message}";
            }
        }
    }
}
