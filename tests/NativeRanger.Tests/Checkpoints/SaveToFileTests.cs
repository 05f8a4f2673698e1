using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace NativeRanger.Tests.Checkpoints;

/// <summary>Saving to a file replaces it as a whole, leaves nothing beside it, and touches nothing else.</summary>
[SupportedOSPlatform("linux")]
public sealed partial class SaveToFileTests : IDisposable
{
    private static readonly Ranger Recipe = new();

    private readonly TemporaryDirectory directory = new();
    private readonly float[] values = [1, 2, 3];
    private readonly Stepper<float> stepper;

    public SaveToFileTests() => stepper = Recipe.Bind(values);

    public void Dispose()
    {
        stepper.Dispose();
        directory.Dispose();
    }

    [Fact]
    public void Saving_creates_and_replaces_and_leaves_nothing_else()
    {
        var path = directory.File("run.safetensors");
        stepper.Save(path);
        stepper.Step([1, 1, 1]);
        stepper.Save(path);
        Assert.Equal("run.safetensors", directory.Names);
        var restored = new float[3];
        using var again = Recipe.Resume(restored, path);
        Assert.Equal(1, again.StepCount);
        Assert.Equal(values, restored);
        Assert.Equal(CheckpointFormatTests.Save(stepper), File.ReadAllBytes(path));
    }

    [Fact]
    public void Relative_paths_and_the_longest_names_work()
    {
        var name = new string('n', 255);
        stepper.Save(Path.GetRelativePath(Directory.GetCurrentDirectory(), directory.File(name)));
        stepper.Save(directory.File(name));
        Assert.Equal(name, directory.Names);
    }

    [Fact]
    public void A_large_state_is_saved_and_resumed_slice_by_slice()
    {
        // More than one slice of 2^20 elements, and a rest.
        var (large, restored) = (new double[(1 << 20) + 3], new double[(1 << 20) + 3]);
        large[^1] = 5;
        using var big = new Sgd().Bind(large);
        var seen = new List<CheckpointProgress>();
        big.Save(directory.File("big"), new() { Progress = new Callback(seen.Add) });
        Assert.Equal(3, seen.Count);
        Assert.Equal(new FileInfo(directory.File("big")).Length, seen[^1].Bytes);
        Assert.All(seen, progress => Assert.Equal(seen[^1].Bytes, progress.TotalBytes));
        new Sgd().Resume(restored, directory.File("big")).Dispose();
        Assert.Equal(large, restored);
    }

    /// <summary>A state of 64 MB passes through in place: what is allocated for it are two read buffers of at most 4 MiB.</summary>
    [Fact]
    public void A_large_state_needs_no_buffer_of_its_size()
    {
        var (large, restored) = (new double[1 << 21], new double[1 << 21]);
        using var big = new Adam { AmsGrad = true }.Bind(large);
        var path = directory.File("big");
        big.Save(path);
        big.Optimizer.Resume(restored, path).Dispose();
        Assert.InRange(Allocated(() => big.Save(path)), 1, 1 << 20);
        Assert.InRange(Allocated(() => big.Save(Stream.Null)), 1, 1 << 20);
        Assert.InRange(Allocated(() => big.Optimizer.Resume(restored, path).Dispose()), 1, 9 << 20);

        static long Allocated(Action action)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            action();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    [Fact]
    public void Fault_50_a_progress_callback_that_throws_leaves_the_old_file()
    {
        var path = directory.File("c");
        stepper.Save(path);
        var old = File.ReadAllBytes(path);
        stepper.Step([1, 1, 1]);
        var stop = new Callback(progress =>
        {
            if (progress.Bytes == progress.TotalBytes)
            {
                throw new OperationCanceledException();
            }
        });
        Assert.Throws<OperationCanceledException>(() => stepper.Save(path, new() { Progress = stop }));
        Assert.Equal(old, File.ReadAllBytes(path));
        Assert.Equal("c", directory.Names);
        Assert.True(stepper.Step([1, 1, 1]));
    }

    [Fact]
    public void Fault_51_a_progress_callback_may_not_use_the_stepper()
    {
        var seen = 0;
        var reenter = new Callback(_ =>
        {
            Assert.Throws<InvalidOperationException>(() => stepper.Step(new float[3]));
            Assert.Throws<InvalidOperationException>(() => stepper.Save(directory.File("other")));
            Assert.Throws<InvalidOperationException>(stepper.Dispose);
            seen++;
        });
        stepper.Save(directory.File("c"), new() { Progress = reenter });
        Assert.True(seen > 0);
        Assert.Equal("c", directory.Names);
    }

    [Fact]
    public void Parameters_that_change_meanwhile_are_noticed()
    {
        var path = directory.File("c");
        var meddle = new Callback(_ => values[0]++);
        var thrown = Assert.Throws<InvalidOperationException>(() => stepper.Save(path, new() { Progress = meddle }));
        Assert.Contains("'parameters' changed while", thrown.Message, StringComparison.Ordinal);
        Assert.Empty(directory.Names);
    }

    [Fact]
    public void What_would_be_lost_or_wrong_is_not_saved()
    {
        var path = directory.File("c");
        using (stepper.UseSlowWeights())
        {
            Assert.Throws<InvalidOperationException>(() => stepper.Save(path));
        }

        stepper.Accumulate([1f, 1, 1]);
        var thrown = Assert.Throws<InvalidOperationException>(() => stepper.Save(path));
        Assert.Contains("1 accumulated micro-batches", thrown.Message, StringComparison.Ordinal);
        stepper.StepAccumulated();
        stepper.Dispose();
        Assert.Throws<ObjectDisposedException>(() => stepper.Save(path));
        Assert.Empty(directory.Names);
    }

    [Fact]
    public void Arguments()
    {
        Assert.Throws<ArgumentNullException>(() => stepper.Save((string)null!));
        Assert.Throws<ArgumentException>(() => stepper.Save(""));
        Assert.Throws<ArgumentNullException>(() => stepper.Save((Stream)null!));
        Assert.Throws<NotSupportedException>(() => stepper.Save(new MemoryStream([], writable: false)));
        Assert.Throws<DirectoryNotFoundException>(() => stepper.Save(directory.File("no/such/directory")));
        Assert.Throws<FileNotFoundException>(() => Recipe.Resume(values, directory.File("no-such-file")));
        Assert.Throws<IOException>(() => Recipe.Resume(values, directory.Path));
    }

    [Fact]
    public void Fault_76_a_directory_as_the_target()
    {
        Directory.CreateDirectory(directory.File("d"));
        Assert.Throws<IOException>(() => stepper.Save(directory.File("d")));
        Assert.Throws<IOException>(() => stepper.Save(directory.File("d/")));
        Assert.Throws<IOException>(() => stepper.Save(directory.File("new/")));
        Assert.Throws<IOException>(() => stepper.Save("/"));
        Assert.Equal("d", directory.Names);
    }

    [Theory]
    [InlineData("real")]
    [InlineData("nowhere")]
    public void Fault_76_a_symbolic_link_as_the_target_is_refused_and_stays(string aim)
    {
        File.WriteAllText(directory.File("real"), "precious");
        File.CreateSymbolicLink(directory.File("link"), aim);
        var thrown = Assert.Throws<IOException>(() => stepper.Save(directory.File("link")));
        Assert.Contains("symbolic link", thrown.Message, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(directory.File("real")));
        Assert.Equal("link real", directory.Names);
        Assert.Equal(aim, new FileInfo(directory.File("link")).LinkTarget);
    }

    [Fact]
    public void Fault_76_a_read_only_file_is_refused_and_stays()
    {
        var path = directory.File("c");
        File.WriteAllText(path, "precious");
        File.SetUnixFileMode(path, UnixFileMode.UserRead);
        var thrown = Assert.Throws<IOException>(() => stepper.Save(path));
        Assert.Contains("read-only", thrown.Message, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(path));
        Assert.Equal("c", directory.Names);
    }

    [Fact]
    public void Fault_76_a_pipe_as_the_target_is_refused_and_stays()
    {
        var path = directory.File("pipe");
        Assert.Equal(0, MakePipe(path, 0b110_000_000));
        var thrown = Assert.Throws<IOException>(() => stepper.Save(path));
        Assert.Contains("no ordinary file", thrown.Message, StringComparison.Ordinal);
        Assert.Contains(
            "no ordinary file",
            Assert.Throws<IOException>(() => stepper.Save("/dev/null")).Message,
            StringComparison.Ordinal
        );
        Assert.Equal("pipe", directory.Names);
    }

    [Theory]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite | UnixFileMode.OtherRead)]
    public void The_permissions_of_the_file_are_kept(UnixFileMode mode)
    {
        var path = directory.File("c");
        File.WriteAllText(path, "old");
        File.SetUnixFileMode(path, mode);
        stepper.Save(path);
        Assert.Equal(mode, File.GetUnixFileMode(path));
        Assert.True(new FileInfo(path).Length > 100);
    }

    [Fact]
    public void Fault_65_what_a_killed_process_left_is_removed_and_what_others_write_is_not()
    {
        var path = directory.File("c");
        var left = Unfinished(path);
        var busy = directory.File(Path.GetFileName(left).Replace(".partial", "0.partial", StringComparison.Ordinal));
        File.WriteAllText(left, "half a checkpoint");
        File.WriteAllText(directory.File(".nativeranger-other-0.partial"), "of another target");
        using (new FileStream(busy, FileMode.CreateNew, FileAccess.Write, FileShare.None))
        {
            stepper.Save(path);
            Assert.False(File.Exists(left));
            Assert.True(File.Exists(busy));
        }

        stepper.Save(path);
        Assert.Equal(".nativeranger-other-0.partial c", directory.Names);
    }

    [Fact]
    public void Fault_76_a_link_planted_where_temporary_files_go_is_not_followed()
    {
        var path = directory.File("c");
        File.WriteAllText(directory.File("victim"), "precious");
        var planted = Unfinished(path);
        File.CreateSymbolicLink(planted, directory.File("victim"));
        stepper.Save(path);
        Assert.Equal("precious", File.ReadAllText(directory.File("victim")));
        Assert.Equal($"{Path.GetFileName(planted)} c victim", directory.Names);
    }

    /// <summary>The name of the temporary file of one save, as it is seen from within.</summary>
    private string Unfinished(string path)
    {
        var name = "";
        var look = new Callback(_ => name = Assert.Single(Directory.GetFiles(directory.Path, "*.partial")));
        stepper.Save(path, new() { Progress = look });
        return name;
    }

    [LibraryImport("libc", EntryPoint = "mkfifo", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakePipe(string path, uint mode);
}
