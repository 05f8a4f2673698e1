using System.Net.Sockets;
using NativeRanger.Interop;
using NativeRanger.Tests.Checkpoints;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Loading;

/// <summary>
/// An application whose native library is missing, broken or a stranger's: one exception says everything that is needed to put
/// it right, and the managed path works.
/// </summary>
public sealed class LoaderFaultTests : IDisposable
{
    private const string Library = "libnativeranger.so";
    private const string Override = "NATIVERANGER_LIBRARY";

    /// <summary>The exit code of a process that has loaded the planted library.</summary>
    private const int Hijacked = 66;

    private static readonly string Sound = NativeBackend.LibraryPath;

    private readonly TemporaryDirectory application = new();
    private readonly TemporaryDirectory elsewhere = new();

    public LoaderFaultTests() => Child.Deploy(application.Path);

    public void Dispose()
    {
        application.Dispose();
        elsewhere.Dispose();
    }

    private string Deployed =>
        Path.Combine(application.Path, "runtimes", NativeLibraryFile.RuntimeIdentifier, "native", Library);

    [Fact]
    public void Fault_54_the_library_is_missing()
    {
        var message = Refused(Load());
        Says(message, $"{Library} for {NativeLibraryFile.RuntimeIdentifier} cannot be loaded");
        foreach (var path in new[] { Deployed, application.File(Library) })
        {
            Says(message, $"{path}: no such file");
        }

        Says(message, "./build.sh --target=Native");
        Says(message, Override);
        Says(message, "bind with Backend.Managed from NativeRanger.Numerics");
        Assert.Equal(
            "1",
            new Child.Start("StepManaged") { Application = application.Path }
                .Run()
                .Succeeded()
        );
    }

    [Fact]
    public void Fault_54_the_layer_for_devices_is_missing()
    {
        Deploy(Sound);
        var reason = new Child.Start("OpenDevice") { Application = application.Path }
            .Run()
            .Succeeded();
        Says(reason, $"libnativeranger_cuda.so for {NativeLibraryFile.RuntimeIdentifier} cannot be loaded");
        Says(reason, $"{application.File("libnativeranger_cuda.so")}: no such file");
        Says(reason, "Without it, bind with Backend.Native.");
    }

    /// <summary>Steps on a device need the layer for devices only, also where they are refused.</summary>
    [Fact]
    public void What_a_device_refuses_is_said_where_the_library_for_the_processor_is_missing()
    {
        var layer = Path.Combine(Path.GetDirectoryName(Sound)!, "libnativeranger_cuda.so");
        Directory.CreateDirectory(Path.GetDirectoryName(Deployed)!);
        File.Copy(layer, Path.Combine(Path.GetDirectoryName(Deployed)!, Path.GetFileName(layer)));
        var start = new Child.Start("LaunchTooManyThreads") { Application = application.Path };
        start.Environment["NATIVERANGER_CUDA_DRIVER"] = Child.Helper("standin_cuda");
        Says(start.Run().Succeeded(), "The native library refused the call: ");
    }

    [Fact]
    public void Fault_54_the_library_that_the_variable_names_is_missing()
    {
        Deploy(Sound);
        var named = elsewhere.File("no-such-file.so");
        var message = Refused(Load(named));
        Says(message, $"{Override} names it");
        Says(message, $"{named}: no such file");
        Assert.DoesNotContain(Deployed, message, StringComparison.Ordinal);
        Says(Refused(Load("libnativeranger.so")), $"{Override} must be an absolute path; it is 'libnativeranger.so'");
    }

    [Fact]
    public void Fault_55_a_library_that_it_depends_on_is_missing()
    {
        Deploy(Child.Helper("dependent_library"));
        var message = Refused(Load());
        // The words of dlopen, which name the one that is missing and not the one that is there.
        Says(message, $"{Deployed}: ");
        Says(message, "libmissing_library.so: cannot open shared object file: No such file or directory");
        Assert.DoesNotContain($"{Deployed}: no such file", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(183, "Arm64")]
    [InlineData(243, "RiscV64")]
    [InlineData(21, "ELF machine 21")]
    public void Fault_56_the_library_is_built_for_another_processor(byte machine, string name)
    {
        var bytes = File.ReadAllBytes(Sound);
        bytes[18] = machine;
        Deploy(bytes);
        Says(Refused(Load()), $"{Deployed}: it is built for {name}, but this process is X64 (");
    }

    [Fact]
    public void Fault_56_the_library_is_built_for_32_bits()
    {
        var bytes = File.ReadAllBytes(Sound);
        (bytes[4], bytes[18]) = (1, 3);
        Deploy(bytes);
        Says(Refused(Load()), $"{Deployed}: it is built for X86, but this process is X64 (");
    }

    [Theory]
    [InlineData("", "file too short")]
    [InlineData("MZ", "file too short")]
    [InlineData(
        "<html>The requested file was not found on this server. Please check the address.</html>",
        "invalid ELF"
    )]
    public void Fault_56_the_file_is_no_library(string contents, string words)
    {
        Deploy(System.Text.Encoding.UTF8.GetBytes(contents));
        var message = Refused(Load());
        Says(message, $"{Deployed}: ");
        Says(message, words);
    }

    [Fact]
    public void Fault_56_the_file_cannot_be_read()
    {
        // Root may read everything, but nobody can read a socket.
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var path = elsewhere.File("socket");
        socket.Bind(new UnixDomainSocketEndPoint(path));
        Says(Refused(Load(path)), $"{path}: ");
    }

    [Fact]
    public void Fault_57_the_library_has_an_older_contract()
    {
        // Its other functions abort: nothing but the version may be asked.
        Deploy(Child.Helper("old_contract_library"));
        var message = Refused(Load());
        Says(message, $"{Deployed} has contract version 0; this assembly needs {NativeBackend.ContractVersion}.");
        Says(message, "bind with Backend.Managed");
    }

    [Fact]
    public void Fault_58_the_library_lacks_functions()
    {
        Deploy(Child.Helper("incomplete_library"));
        var message = Refused(Load());
        Says(message, $"{Deployed} has contract version {NativeBackend.ContractVersion} but does not export ");
        Says(message, "nr_isa, ");
        Says(message, "nr_step");
        Assert.DoesNotContain("nr_abi_version", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fault_58_the_library_is_a_stranger()
    {
        Deploy(Child.Helper("missing_library"));
        Says(Refused(Load()), $"{Deployed} is not a NativeRanger library: it does not export nr_abi_version");
    }

    [Theory]
    [InlineData("scalar", "Scalar")]
    [InlineData("", null)]
    [InlineData("neon", null)]
    [InlineData("AVX2", null)]
    [InlineData("best", null)]
    public void Fault_59_an_instruction_set_that_is_forced(string name, string? chosen)
    {
        Deploy(Sound);
        var start = new Child.Start("ShowInstructionSet") { Application = application.Path };
        start.Environment["NATIVERANGER_ISA"] = name;
        var child = start.Run();
        if (name.Length == 0 || chosen is not null)
        {
            Assert.Equal(chosen ?? $"{NativeBackend.Available[^1]}", child.Succeeded());
            return;
        }

        Assert.Equal(1, child.ExitCode);
        Assert.StartsWith(typeof(PlatformNotSupportedException).FullName!, child.Error, StringComparison.Ordinal);
        Says(child.Error, $"NATIVERANGER_ISA is '{name}', which is unknown or cannot run here; there are scalar");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fault_60_a_planted_library_is_not_loaded(bool deployed)
    {
        foreach (
            var name in new[] { Library, "nativeranger", "nativeranger.so", "libnativeranger", "nativeranger.dll" }
        )
        {
            File.Copy(Child.Helper("planted_library"), elsewhere.File(name));
        }

        Assert.Equal(Hijacked, Load(elsewhere.File(Library)).ExitCode);
        var start = new Child.Start("Load") { Application = application.Path, WorkingDirectory = elsewhere.Path };
        start.Environment["LD_LIBRARY_PATH"] = $"{elsewhere.Path}:.";
        start.Environment["PATH"] = $"{elsewhere.Path}:{Environment.GetEnvironmentVariable("PATH")}";
        if (deployed)
        {
            Deploy(Sound);
            Assert.Equal(Deployed, start.Run().Succeeded());
        }
        else
        {
            var message = Refused(start.Run());
            Assert.DoesNotContain(elsewhere.Path, message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Fault_60_the_variable_that_names_another_library_is_reported()
    {
        Deploy(Sound);
        var other = elsewhere.File("other.so");
        File.Copy(Sound, other);
        Assert.Equal(other, Load(other).Succeeded());
        var info = new Child.Start("Info");
        info.Environment[Override] = other;
        Says(info.Run().Succeeded(), $"{other}, version ");
        Says(info.Run().Succeeded(), $"(named by {Override})");
        info.Environment[Override] = null;
        Assert.DoesNotContain(Override, info.Run().Succeeded(), StringComparison.Ordinal);
    }

    [Fact]
    public void Fault_64_two_copies_of_assembly_and_library()
    {
        Deploy(Sound);
        var copy = elsewhere.File("copy");
        Directory.CreateDirectory(copy);
        Child.Deploy(copy);
        Deploy(Sound, copy);
        var output = new Child.Start("StepTwoCopies", copy) { Application = application.Path }
            .Run()
            .Succeeded();
        Assert.Equal(
            $"{Deployed}\n{Path.Combine(copy, Path.GetRelativePath(application.Path, Deployed))}\nsame bits",
            output
        );
    }

    [Fact]
    public void Fault_53_the_assembly_is_unloaded_while_a_stepper_lives()
    {
        Deploy(Sound);
        Assert.Equal(
            "stepped after unloading\nunloaded\nstepped elsewhere",
            new Child.Start("StepAfterUnloading", application.Path) { Application = application.Path }
                .Run()
                .Succeeded()
        );
    }

    private Child Load(string? named = null)
    {
        var start = new Child.Start("Load") { Application = application.Path };
        start.Environment[Override] = named;
        return start.Run();
    }

    private void Deploy(string library) => Deploy(File.ReadAllBytes(library));

    private void Deploy(byte[] library)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Deployed)!);
        File.WriteAllBytes(Deployed, library);
    }

    private void Deploy(string library, string folder)
    {
        var path = Path.Combine(folder, Path.GetRelativePath(application.Path, Deployed));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Copy(library, path);
    }

    /// <summary>The message of the exception that the child ended with.</summary>
    private static string Refused(Child child)
    {
        Assert.True(child.ExitCode == 1, $"exit code {child.ExitCode}\n{child.Output}\n{child.Error}");
        Assert.StartsWith(typeof(NativeLibraryException).FullName + ": ", child.Error, StringComparison.Ordinal);
        return child.Error;
    }

    private static void Says(string message, string words) =>
        Assert.True(
            message.Contains(words, StringComparison.Ordinal),
            $"The message does not say '{words}':\n{message}"
        );
}
