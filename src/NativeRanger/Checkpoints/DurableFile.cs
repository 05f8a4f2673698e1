using System.Security.Cryptography;
using System.Text;

namespace NativeRanger.Checkpoints;

/// <summary>
/// Replaces a file so that at every moment, also if the machine stops, its name stands for the old or the new contents, whole.
/// </summary>
/// <remarks>
/// The new contents go into a file of their own beside it (created exclusively, so that nothing planted is followed or
/// overwritten), which is synchronised to disk and then renamed; last, the directory is synchronised. What a process that was
/// killed has left behind is removed by the next write to the same name: such a file is not locked by anyone.
/// </remarks>
internal static class DurableFile
{
    private const string Prefix = ".nativeranger-";
    private const string Suffix = ".partial";

    /// <summary>Replaces or creates a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="length">How many bytes will be written; the space is reserved at the start where the file system can.</param>
    /// <param name="write">Writes the contents. If it throws, the file stays as it was.</param>
    /// <param name="partOf">
    /// Another file, of which this one is a part that several processes write at once: what they leave behind is removed by the
    /// next write of that file.
    /// </param>
    /// <exception cref="IOException">The file cannot be replaced; it is as it was, unless the message says otherwise.</exception>
    public static void Write(string path, long length, Action<Stream> write, string? partOf = null)
    {
        var target = Path.GetFullPath(path);
        var directory = Path.GetDirectoryName(target);
        if (directory is null || Path.EndsInDirectorySeparator(path) || Directory.Exists(target))
        {
            throw new IOException($"'{path}' is a directory; name a file to save to.");
        }

        try
        {
            var mode = RequireReplaceable(target);
            var family =
                Prefix
                + ManifestParameter.FormatChecksum(
                    Crc32C.Of(Encoding.UTF8.GetBytes(Path.GetFileName(partOf ?? target)))
                )
                + "-";
            if (partOf is null)
            {
                RemoveAbandoned(directory, family);
            }

            var unique = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
            Replace(target, Path.Combine(directory, family + unique + Suffix), mode, length, write);
        }
        catch (UnauthorizedAccessException denied)
        {
            throw new IOException($"'{target}' cannot be saved to: {denied.Message}", denied);
        }

        SynchronizeDirectory(directory, target);
    }

    private static void Replace(string target, string temporary, UnixFileMode? mode, long length, Action<Stream> write)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.None,
            BufferSize = 0,
            PreallocationSize = length,
        };
        using (var file = new FileStream(temporary, options))
        {
            try
            {
                if (mode is { } bits && !OperatingSystem.IsWindows())
                {
                    File.SetUnixFileMode(file.SafeFileHandle, bits);
                }

                write(file);
                if (OperatingSystem.IsWindows())
                {
                    file.Flush(flushToDisk: true);
                }
                else
                {
                    Libc.Synchronize(file.SafeFileHandle, target);
                }
            }
            catch
            {
                file.Dispose();
                Discard(temporary);
                throw;
            }
        }

        try
        {
            File.Move(temporary, target, overwrite: true);
        }
        catch
        {
            Discard(temporary);
            throw;
        }
    }

    /// <summary>Deletes after a failure, whose exception is the one to be seen.</summary>
    private static void Discard(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception second) when (second is IOException or UnauthorizedAccessException)
        {
            return;
        }
    }

    /// <summary>Refuses what a rename would destroy or go around; returns the permissions of the file that is there.</summary>
    private static UnixFileMode? RequireReplaceable(string target)
    {
        var present = new FileInfo(target);
        if (present.LinkTarget is { } link)
        {
            throw new IOException(
                $"'{target}' is a symbolic link to '{link}', which saving would replace; name the file itself."
            );
        }

        if (!present.Exists)
        {
            return null;
        }

        if (present.IsReadOnly)
        {
            throw new IOException($"'{target}' is read-only.");
        }

        if (OperatingSystem.IsWindows())
        {
            return null;
        }

        if (OperatingSystem.IsLinux() && !Libc.IsRegularFile(target))
        {
            throw new IOException($"'{target}' is no ordinary file but a device, pipe or socket.");
        }

        const UnixFileMode Permissions = (UnixFileMode)0b111_111_111;
        return present.UnixFileMode & Permissions;
    }

    private static void RemoveAbandoned(string directory, string family)
    {
        foreach (var path in Directory.EnumerateFiles(directory, family + "*" + Suffix))
        {
            if (new FileInfo(path).LinkTarget is not null)
            {
                continue;
            }

            try
            {
                // Whoever is still writing it holds its lock.
                new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 0).Dispose();
                File.Delete(path);
            }
            catch (Exception busy) when (busy is IOException or UnauthorizedAccessException)
            {
                continue;
            }
        }
    }

    private static void SynchronizeDirectory(string directory, string target)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        if (Libc.SynchronizeDirectory(directory) is { } error)
        {
            throw new IOException(
                $"'{target}' has been replaced, but the directory cannot be synchronised to disk: {error}. The new file may not "
                    + "survive a power failure."
            );
        }
    }
}
